"""How forms become HTML."""

from django.forms.renderers import TemplatesSetting


class HouseRenderer(TemplatesSetting):
    """Form rows and widgets from templates/django/forms, with the tags and languages of every other template."""
