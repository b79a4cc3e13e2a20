"""A fault that is said to a person in a sentence, instead of a traceback."""


class Trouble(Exception):
    """What went wrong and what to do next, as one or two sentences. Ends the command with `exit_code`."""

    def __init__(self, sentence: str, *, exit_code: int = 1) -> None:
        super().__init__(sentence)
        self.exit_code = exit_code
