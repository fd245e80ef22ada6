"""The course: lessons whose commands run, and whose expected answers are tested by the same runner."""
