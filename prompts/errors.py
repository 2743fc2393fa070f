"""What can be wrong with the choice of a prompt."""


class PromptError(Exception):
    """A prompt that does not exist, or arguments that do not fit; the text says what does. Nothing was read."""
