"""`{% url %}` as Django's, but the addresses of a clinic's pages are worked out once: each page has some twenty."""

from functools import lru_cache
from typing import Any

from django import template
from django.template import Context
from django.template.base import Parser, Token
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.urls import NoReverseMatch, get_script_prefix, get_urlconf, reverse
from django.utils.html import conditional_escape

register = template.Library()


class AddressNode(URLNode):
    """Remembers what names nothing but the clinic. Addresses that hold an id or a link's secret are kept nowhere."""

    def render(self, context: Context) -> str:
        """Return the address, or put it into the context. Raises NoReverseMatch where Django does."""
        if self.kwargs or len(self.args) > 1:
            return str(super().render(context))
        name, args = self.view_name.resolve(context), tuple(one.resolve(context) for one in self.args)
        if args and args[0] != getattr(context.get("clinic"), "portal_identifier", None):
            return str(super().render(context))
        try:
            found = _address(name, args, get_urlconf(), get_script_prefix())
        except NoReverseMatch:
            if self.asvar is None:
                raise
            found = ""
        if self.asvar:
            context[self.asvar] = found
            return ""
        return str(conditional_escape(found)) if context.autoescape else found


@lru_cache(maxsize=4096)
def _address(name: str, args: tuple[Any, ...], urlconf: str | None, _prefix: str | None) -> str:
    return reverse(name, urlconf=urlconf, args=args)


@register.tag
def url(parser: Parser, token: Token) -> AddressNode:
    """Take `{% url "name" argument … [as variable] %}`."""
    node = django_url(parser, token)
    return AddressNode(node.view_name, node.args, node.kwargs, node.asvar)
