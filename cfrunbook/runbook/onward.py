"""Where a runbook leads: the root cause's own one, with the same parameters, and what to keep for a ticket."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from cfrunbook.runbook import guides, start
from cfrunbook.runbook.example import scenario_of
from cfrunbook.runbook.guides import PARAMETERS, SEVERAL, Guide
from cfrunbook.text import visible
from cfrunbook.views import outline, steps

if TYPE_CHECKING:
    from cfrunbook.recognizing import Recognition

_FIRST = guides.FIRST


def onward(
    judged: steps.Judgement,
    guide: Guide,
    given: Mapping[str, Any],
    recognition: Recognition | None,
    *,
    is_open: bool,
    recorded: bool,
) -> steps.Onward:
    """Return where to go from the runbook `guide`, which was `given` these parameters.

    `is_open`: the look was stopped before anything decided; `recorded`: nothing was probed, a recording was judged.
    """
    verdict = judged.diagnosis.verdict
    runbook = guides.alone_about(verdict.cause)
    if is_open:
        runbook, sentence = "", f"The look was stopped before its end. {verdict.next_check}"
    elif verdict.status == "ok":
        runbook, sentence = "", f"No fault was found in what was examined. {verdict.next_check}".strip()
    elif verdict.cause and runbook not in ("", guide.name):
        sentence = f"The path breaks at “{outline.CAUSE_TITLES[verdict.cause]}”: open"
        if verdict.status == "unknown":
            sentence = f"Whether “{outline.CAUSE_TITLES[verdict.cause]}” is the cause is open: look closer in"
    elif judged.elsewhere:
        runbook, sentence = _FIRST, "The path breaks elsewhere, and there is no runbook for that alone: open"
    elif verdict.status == "unknown":
        sentence = f"It could not be told from here. {verdict.next_check}".strip()
        runbook = next((name for c in start.candidates(judged.diagnosis) if (name := guides.alone_about(c))), "")
        sentence += " Look closer in" if runbook not in ("", guide.name) else ""
        runbook = "" if runbook == guide.name else runbook
    else:
        runbook = _FIRST if guide.name != _FIRST else ""
        sentence = "This is the first thing that breaks. After the fix look at everything once more:"
        if not runbook:
            sentence = "This is the first thing that breaks. After the fix run this runbook once more."
    links = []
    if verdict.status == "unknown" and (wanted := outline.first_wanted(judged.diagnosis)):
        get = wanted[0]
        text = f"Get first, for this runbook: {get.what}{outline.taken_by(get)}. {get.why} {get.how.text}"
        links.append(steps.Link(text=text, command=get.how.command))
    if runbook:
        values = start.written(given, recognition)
        whole = start.is_whole(given, recognition)
        if lines := start.assignments(values, is_whole=whole):
            text = "Its parameters, as they were given here, for its first cell:"
            links.append(steps.Link(text=text, command=lines))
        without = "" if whole else " (without what was pasted)"
        links.append(
            steps.Link(text=f"Or run it without opening it{without}:", command=start.papermill(runbook, values))
        )
    links.append(
        steps.Link(
            text="For the ticket: everything in one folder, with one page that needs neither network nor script.",
            command=command_line("cfrunbook report", given),
        )
    )
    if not recorded:
        links.append(
            steps.Link(
                text="Keep what was seen, to judge it elsewhere or later (parameter evidence, option --evidence):",
                command='runbook.save("evidence.json")',
            )
        )
    return steps.Onward(sentence=sentence, runbook=runbook, steps=tuple(links))


def command_line(command: str, given: Mapping[str, Any], *, leave_out: tuple[str, ...] = ()) -> str:
    """Return `command` with the options that say what was given, quoted for a shell."""
    words = [*shlex.split(command)]
    kept = {key: value for key, value in given.items() if key not in leave_out}
    scenario = scenario_of(kept)
    if scenario:
        words = ["cfrunbook", "lab", "run", scenario, "--", *words]
        del kept["lab"]
    for name in PARAMETERS:
        value = kept.get(name)
        if value is None:
            continue
        values = [f"{name}.json"] if isinstance(value, Mapping) else value if name in SEVERAL else [value]
        if name == "anything":
            words += start.as_words(value)
            continue
        values = [f"{name}.txt" if start.is_pasted(v) else v for v in values]
        words += [f"--{name.replace('_', '-')}", *(visible(v, 500) for v in values)]
    return shlex.join(words)
