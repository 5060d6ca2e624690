"""A Diagnosis in, something to look at out: HTML, figures, terminal, Markdown. No decisions."""
