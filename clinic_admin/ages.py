"""Ages in whole years, as the laws count them: a step is reached at local midnight on the birthday.

Who was born on 29 February has the birthday on 1 March in a year without one. Pure: the caller says which day it is.
"""

from datetime import date


def age_on(birth_date: date, day: date) -> int:
    """Return the age on the clinic's local day."""
    had_birthday = (day.month, day.day) >= (birth_date.month, birth_date.day)
    return day.year - birth_date.year - (not had_birthday)


def has_reached(birth_date: date | None, age: int, day: date) -> bool:
    """Return whether the person is at least so old on the day. An unknown birth date has reached nothing."""
    return birth_date is not None and age_on(birth_date, day) >= age


def is_below(birth_date: date | None, age: int, day: date) -> bool:
    """Return whether the person is known to be younger. Of an unknown birth date nothing is known."""
    return birth_date is not None and age_on(birth_date, day) < age


def birthday(birth_date: date, age: int) -> date:
    """Return the first day on which the person is so old."""
    try:
        return birth_date.replace(year=birth_date.year + age)
    except ValueError:  # 29 February
        return date(birth_date.year + age, 3, 1)
