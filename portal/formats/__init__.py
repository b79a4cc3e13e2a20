"""How dates are written where Django's own formats are another country's."""
