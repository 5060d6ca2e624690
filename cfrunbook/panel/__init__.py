"""The panel of a runbook: a form and buttons, where a person sits before a notebook with widgets.

Widgets are input. What a step shows goes into display handles, which are saved in the notebook; each button does what
one public call of `Runbook` does, and shows that call.
"""
