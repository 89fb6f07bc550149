"""Text that copying added to a description is removed, and nothing else."""

from __future__ import annotations

import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st
from seeds import SEEDS

import rssbound
from rssbound.errors import InputError
from rssbound.topology.pastes import unwrapped

MACHINE = ("possible", "present", "online", "columns", "nodes", "node_count", "page_size", "kernel")
TEXTS = {name: content.decode() for name, content in SEEDS.items() if name != "archive"}


def before_each(sign):
    return lambda text: "".join(f"{sign}{line}\n" for line in text.splitlines())


def numbered(text):
    return "".join(f"{number:6}\t{line}\n" for number, line in enumerate(text.splitlines(), 1))


def timed(form):
    def wrapped(text):
        lines = enumerate(text.splitlines())
        return "".join(form.format(second=second % 60) + f"{line}\n" for second, line in lines)

    return wrapped


def between(first, last):
    return lambda text: f"{first}\n{text.rstrip()}\n{last}\n"


def mailed(text):
    quoted = before_each("> ")(text)
    return f"On Tuesday, Alice wrote:\n> Here it is:\n{quoted}>\n> Alice\n\nThanks!\n-- \nBob\n"


WRAPPINGS = {
    "root's prompt": between("[root@db-7 ~]# some-command", "[root@db-7 ~]# "),
    "a user's prompt": between("me@db-7:~/src (main)$ lscpu -J -e", "me@db-7:~/src (main)$"),
    "prompt of SUSE": between("db-7:~ # lscpu", "db-7:~ # exit"),
    "prompt of a container": between("/ # lscpu", "/ # "),
    "a bare prompt": between("$ lscpu -p", "$"),
    "a bare prompt of root": between("# numactl --hardware", "#"),
    "a prompt of the shell": between("sh-5.1# cat host", "sh-5.1#"),
    "a prompt of PowerShell": between("PS C:\\Users\\me> ssh db-7 lscpu", "PS C:\\Users\\me>"),
    "a prompt of zsh": between("me@laptop ~ % ssh db-7 lscpu", "me@laptop ~ %"),
    "a short prompt": between("db-7# lscpu -e", "db-7#"),
    "a prompt with signs": between("(base) |11:30|1|doc$ lscpu -J", "(base) |11:31|2|doc$ exit"),
    "a command alone": lambda text: f"lscpu -J -e\n{text}",
    "a traced command": lambda text: f"+ lscpu -e\n{text}",
    "quoted": before_each("> "),
    "quoted twice": before_each(">> "),
    "quoted by two": lambda text: before_each("> ")(before_each("> ")(text)),
    "quoted with a bar": before_each("| "),
    "in a mail": mailed,
    "comment of a shell": before_each("# "),
    "comment of a shell without a blank": before_each("#"),
    "comment of C++": before_each("// "),
    "comment of C": lambda text: f"/*\n{before_each(' * ')(text)} */\n",
    "comment of an ini file": before_each("; "),
    "comment of SQL": before_each("-- "),
    "added by a patch": before_each("+"),
    "fenced": lambda text: f"My machine:\n\n```\n{text}\n```\n\nIs that **large**?\n",
    "fenced with a language": lambda text: f"~~~ text\n{text}\n~~~\nIt's one of ours.\n",
    "fenced and quoted": lambda text: before_each("> ")(f"See\n```\n$ lscpu\n{text}\n```\n"),
    "in a tracker": lambda text: f"{{code:java}}\n{text}\n{{code}}\nthat's all\n",
    "in a forum": lambda text: f"[code]\n{text}\n[/code]\n",
    "in HTML": lambda text: f"<pre>\n{text}\n</pre>\n",
    "indented": before_each("    "),
    "indented by tabs": before_each("\t"),
    "a list": before_each(" * "),
    "a list with dashes": before_each("- "),
    "coloured": before_each("\x1b[1;32m\x1b[K"),
    "coloured at the end": lambda text: text.replace("\n", "\x1b[m\x1b[K\r\n"),
    "colours as text": before_each("^[[0;33m"),
    "with a title": lambda text: f"\x1b]0;root@db-7: ~\x07\x1b[?2004h{text}\x1b[?2004l",
    "timestamps": timed("2026-03-04T05:06:{second:02}.123456Z "),
    "timestamps in brackets": timed("[2026-03-04 05:06:{second:02}] "),
    "time alone": timed("05:06:{second:02} "),
    "from a journal": timed("Mar 04 05:06:{second:02} db-7 probe[123]: "),
    "from the kernel's log": timed("[   12.0000{second:02}] "),
    "numbered": lambda text: numbered(text) if text.count("\n") > 2 else text,
    "by pdsh": lambda text: before_each("db-7: ")(text) if text.count("\n") > 1 else text,
    "by docker compose": before_each("web_1  | "),
    "with Windows' line ends": lambda text: text.replace("\n", "\r\n"),
    "everything": lambda text: before_each("> ")(
        f"Hi,\n\n```console\n[root@db-7 ~]# lscpu\n{before_each('  ')(text)}[root@db-7 ~]#\n```\n"
    ),
}


def differences(one, other):
    return [field for field in MACHINE if getattr(one, field) != getattr(other, field)]


PASTES = [
    (wrapping, form)
    for wrapping in WRAPPINGS
    for form in TEXTS
    if (wrapping, form) != ("in a mail", "synthetic")  # any word can be meant as a level
]


@pytest.mark.parametrize(("wrapping", "form"), PASTES)
def test_a_paste_reads_as_what_was_copied(wrapping, form, on_disk):
    plain = rssbound.read(on_disk(TEXTS[form], "host"))
    paste = rssbound.read(on_disk(WRAPPINGS[wrapping](TEXTS[form]), "host"))

    assert differences(paste, plain) == []


@pytest.mark.parametrize("form", ["document", "lscpu_json", "virsh", "hwloc_1", "lxd"])
def test_words_before_and_after_a_document(form, on_disk):
    plain = rssbound.read(on_disk(TEXTS[form], "host"))
    paste = rssbound.read(on_disk(f"Here, as you asked:\n\n{TEXTS[form]}\nBye\n", "host"))

    assert differences(paste, plain) == []


def test_a_text_from_powershell(on_disk):
    content = b"\xff\xfe" + TEXTS["lscpu_summary"].encode("utf-16-le")

    assert str(rssbound.read(on_disk(content)).possible) == "0-7"


def test_blanks_of_a_web_page_are_read(on_disk):
    text = TEXTS["lscpu_table"].replace(" ", "\xa0") + "\u200b"

    assert str(rssbound.read(on_disk(text)).possible) == "0-1"


def test_lines_keep_their_numbers(on_disk):
    text = "Hello,\n\n> $ lscpu -e\n> CPU CORE\n> 0 0\n> 1 zero\n> 2 2\n"
    with pytest.raises(InputError, match=r'line 6\.core: "zero"; a whole number is expected'):
        rssbound.read(on_disk(text))


def test_lines_of_xml_keep_their_numbers(on_disk):
    text = 'Hello,\n\n<?xml version="1.0"?>\n<topology version="2.0">\n<object </topology>\n'
    with pytest.raises(InputError, match=r"not XML: .*: line 5, column 8"):
        rssbound.read(on_disk(text))


@pytest.mark.parametrize("form", ["document", "lscpu_json", "virsh", "hwloc_2", "cadvisor"])
def test_two_documents_are_refused(form, on_disk):
    with pytest.raises(InputError, match="give one") as error:
        rssbound.read(on_disk(f"{TEXTS[form]}\nand\n{TEXTS[form]}"))

    assert len(error.value.faults) == 1


# -- what is no paste


@pytest.mark.parametrize("form", TEXTS)
def test_a_description_stays_as_it_is(form):
    assert unwrapped(SEEDS[form]) == SEEDS[form]


def test_real_files_stay_as_they_are(corpus):
    with tarfile.open(corpus / "hwloc-xml.tar.xz") as archive:
        files = {m.name: archive.extractfile(m).read() for m in archive if m.isfile()}
    files |= {path.name: path.read_bytes() for path in (corpus / "samples").iterdir()}
    described = {"hwloc-synthetic.txt", "slurm.txt"}  # the project's notes stand above as comments

    changed = {name for name, content in files.items() if unwrapped(content) != content}
    assert changed <= described


@pytest.mark.parametrize(
    "text",
    [
        "# The following is the parsable format\n# CPU,Core,Socket\n0,0,0\n1,1,0\n",
        "# CPU,Core,Socket\n",
        "#NodeName=old CPUs=4\n# a comment\nNodeName=new CPUs=8\n",
        "CPU\n0\n1\n2\n3\n",
        "CACHE CPU\n10:10:10 10\n11:11:11 11\n12:12:12 12\n",
        "-smp 4 \\\n-numa node,cpus=0-3\n",
        "Model name: $5 CPU @ 2#\n",
    ],
)
def test_characters_that_belong_to_a_format_stay(text):
    assert unwrapped(text.encode()) == text.encode()


@given(
    st.binary(max_size=400)
    | st.text(max_size=400).map(lambda text: text.encode("utf-8", "replace"))
)
def test_cleaning_a_paste_twice_changes_nothing(content):
    once = unwrapped(content)

    assert unwrapped(once).count(b"\n") <= once.count(b"\n") + 1
