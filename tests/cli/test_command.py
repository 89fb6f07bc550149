"""Help, suggestions and completion, which all commands share."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import click
import pytest
from limits import PATIENCE_SECONDS

from rssbound.bounds import DESIGNS
from rssbound.cli.command import SECTIONS, Command, Group, Word
from rssbound.cli.main import COMMANDS, cli

HOST = ("--topology", "core:8 pu:1")
PROGRAM = Path(sys.executable).parent / "rssbound"


def all_commands(group=cli, name="rssbound"):
    """Yield name and command of all commands."""
    context = click.Context(group, info_name=name)
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        if isinstance(command, click.Group):
            yield from all_commands(command, f"{name} {word}")
        yield f"{name} {word}", command


@pytest.mark.parametrize(("name", "command"), list(all_commands()))
def test_every_command_has_grouped_help_and_words_with_near_misses(name, command):
    assert isinstance(command, Command | Group), name
    for param in command.params:
        assert type(param.type).__name__ != "Choice", (name, param.name)


@pytest.mark.parametrize(("name", "command"), list(all_commands()))
def test_the_help_lists_every_option_once(name, command):
    context = click.Context(command, info_name=name, max_content_width=100)
    text = command.get_help(context)
    start = min(text.index(f"\n{title}:") for title in ("Options", *SECTIONS) if title in text)
    lines = text[start:].splitlines()

    for param in command.params:
        if isinstance(param, click.Option):
            starts = [line.split()[:2] for line in lines if line.startswith("  -")]
            first = [[word.rstrip(",") for word in start] for start in starts]
            assert sum(param.opts[0] in start for start in first) == 1, param.opts


NEEDED = {
    "rssbound choose": ("--budget", "1MiB"),
    "rssbound compare": ("core:2", "core:4"),
    "rssbound measure": ("--kernel-source", "linux"),
    "rssbound plot": ("cpus",),  # takes files of measurements, so its message is its own
    "rssbound tolerance": ("stat",),
    "rssbound topology convert": ("--to", "json"),
    "rssbound witness": ("--design", "tree", "--side", "under"),
}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, command in all_commands()
        if any(param.name == "topology" for param in command.params)
        and all(param.nargs == 1 for param in command.params if isinstance(param, click.Argument))
    ],
)
def test_a_machine_without_its_option_is_told_the_option(call, name):
    code, out, err = call(*name.split()[1:], *NEEDED.get(name, ()), "host.json")

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "host.json" in err
    assert "--topology" in err
    assert err.endswith(f" See '{name} --help'.\n")


def test_the_help_of_a_command_has_groups(call):
    _, text, _ = call("analyze", "--help")

    order = [text.index(f"\n{title}:") for title in ("Options", *SECTIONS)]
    assert order == sorted(order)


@pytest.mark.parametrize("arguments", [[], ["topology"]])
def test_no_arguments_print_the_help_and_exit_2(call, arguments):
    code, out, err = call(*arguments)
    helped = call(*arguments, "--help")[1]

    assert (code, out) == (2, "")
    assert err == helped
    assert err.count("\n") > 10


def test_no_summary_of_a_command_is_cut(call):
    for arguments in ([], ["topology"]):
        assert "..." not in call(*arguments, "--help")[1].replace("[ARGS]...", "")


@pytest.mark.parametrize(
    ("arguments", "meant"),
    [
        (["analyse"], "Did you mean analyze?"),
        (["topology", "shwo"], "Did you mean show?"),
        (["analyze", "--format", "jsno"], "Did you mean json?"),
        (["analyze", "--design", "percup"], "Did you mean percpu?"),
        (["tolerance", "status-rss"], "Did you mean status"),
        (["plot", "cpu"], "Did you mean cpus?"),
    ],
)
def test_a_misspelt_word_gets_a_suggestion(call, arguments, meant):
    code, out, err = call(*arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert meant in err


def examples():
    """Give the example commands in the help of all commands, split as by a shell."""
    for _, command in [("rssbound", cli), *all_commands()]:
        for line in (command.epilog or "").splitlines():
            for part in line.split(" | "):
                if not part.strip().startswith("rssbound "):
                    continue
                words = shlex.split(part.partition(" > ")[0], comments=True)
                yield pytest.param(words[1:], id=" ".join(words))


@pytest.mark.parametrize("words", list(examples()))
def test_examples_of_the_help_can_be_pasted(words):
    """Comments begin with #, options exist, and their values are accepted."""
    group, context = cli, click.Context(cli, info_name="rssbound")
    while isinstance(group, click.Group):
        name, group, words = group.resolve_command(context, words)
        context = click.Context(group, info_name=name, parent=context)

    group.parse_args(context, words)
    assert all("  " not in word for word in words)


def test_an_unrelated_word_gets_no_suggestion(call):
    assert "Did you mean" not in call("analyze", "--format", "qqqq")[2]
    assert "Did you mean" not in call("qqqq")[2]


def test_json_is_short_for_its_format(call):
    assert call("analyze", *HOST, "--json") == call("analyze", *HOST, "--format", "json")
    assert call("analyze", *HOST, "--json", "--format", "csv")[1].startswith("host,")


OF_TREES = [f"plain,{id_}" for id_ in DESIGNS if id_.startswith("tree-")]


def completions(words, shell="bash"):
    """Request completions as a shell does."""
    done = subprocess.run(
        [sys.executable, "-m", "rssbound"],
        env={
            "PATH": os.environ["PATH"],
            "_RSSBOUND_COMPLETE": f"{shell}_complete",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": words[-1] if shell == "fish" else str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["rssbound", "ana"], ["plain,analyze"]),
        (["rssbound", "analyze", "--design", "tree-"], OF_TREES),
        (["rssbound", "analyze", "--format", "j"], ["plain,json"]),
        (["rssbound", "tolerance", "statm"], ["plain,statm"]),
        (["rssbound", "analyze", "--topology", "exa"], ["file,exa"]),
        (["rssbound", "analyze", "exa"], ["file,exa"]),
        (["rssbound", "analyze", "--kernel-source", "li"], ["dir,li"]),
        (["rssbound", "analyze", "-o", "ou"], ["file,ou"]),
        (["rssbound", "analyze", "--expl"], ["plain,--explain"]),
    ],
)
def test_words_are_completed(words, expected):
    assert completions(words) == expected


def test_bash_completes_with_the_script_that_is_printed(tmp_path):
    """The script is sourced and its function called as readline calls it."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("bash is not installed")
    script = (
        "source <(rssbound completion bash)\n"
        "complete -p rssbound\n"
        "COMP_WORDS=(rssbound ana); COMP_CWORD=1; _rssbound_completion rssbound ana rssbound\n"
        'echo "${COMPREPLY[@]}"\n'
    )
    environment = {"PATH": f"{PROGRAM.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(
        [bash, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_SECONDS,
    )

    assert done.stderr == ""
    assert "-F _rssbound_completion rssbound" in done.stdout
    assert done.stdout.splitlines()[-1] == "analyze"


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_the_scripts_of_other_shells_are_accepted_by_them(call, shell, tmp_path):
    code, script, err = call("completion", shell)
    assert (code, err) == (0, "")
    assert "_RSSBOUND_COMPLETE=" + shell in script
    program = shutil.which(shell)
    if program is None:
        pytest.skip(f"{shell} is not installed")
    file = tmp_path / "script"
    file.write_text(script)
    subprocess.run([program, "-n", str(file)], check=True, timeout=PATIENCE_SECONDS)


def test_an_unknown_shell_is_a_usage_error(call):
    code, _, err = call("completion", "bsh")

    assert code == 2
    assert "Did you mean bash" in err


def test_words_are_checked_as_choices_are():
    assert Word(["a", "b"]).convert("a", None, None) == "a"
    with pytest.raises(click.BadParameter, match="is not one of"):
        Word(["a", "b"]).convert("c", None, None)


def test_the_help_names_each_command_by_the_first_sentence_of_its_own_help():
    context = click.Context(cli)

    summaries = {name: cli.get_command(context, name).get_short_help_str() for name in COMMANDS}

    assert summaries == COMMANDS
