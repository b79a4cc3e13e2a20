"""The look: icons, form rows, parts of pages. Templates use it through the tags of portal.templatetags.look."""
