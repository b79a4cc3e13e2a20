"""Rules about patients' records."""

from collections.abc import Mapping


def differences(record: Mapping[str, object], wanted: Mapping[str, object]) -> dict[str, object]:
    """Return the wanted values that differ from the record's. What is not wanted stays as it is."""
    return {name: value for name, value in wanted.items() if record[name] != value}
