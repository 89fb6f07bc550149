"""A fake /proc, for cases that a test cannot cause on the running kernel."""

from pathlib import Path

STAT_FIELDS = 52


class MadeProc:
    """Processes as folders of files; files are rewritten in place, as the kernel changes them."""

    def __init__(self, root):
        self.root = Path(root)

    def add(self, pid, **values):
        """Write all files of a process, with usual values unless given."""
        usual = {"comm": f"program{pid}", "rss": 1000, "precise": 1010, "walked": 1010}
        values = usual | values
        self.stat(pid, **{key: values[key] for key in values.keys() & STAT_VALUES})
        self.write(f"{pid}/statm", f"5000 {values['precise']} 300 1 0 400 0\n")
        self.write(
            f"{pid}/smaps_rollup",
            f"ab-cd ---p 0 00:00 0 [rollup]\nRss: {values['walked'] * 4} kB\n",
        )
        pids = " ".join(map(str, values.get("nspid", (pid,))))
        status = f"Name:\t{values['comm']}\nNSpid:\t{pids}\nCpus_allowed_list:\t"
        self.write(f"{pid}/status", f"{status}{values.get('cpus', '0-1')}\n")
        for task, cpus in values.get("tasks", {pid: values.get("cpus", "0-1")}).items():
            self.write(f"{pid}/task/{task}/status", f"Cpus_allowed_list:\t{cpus}\n")
        return self

    def stat(self, pid, folder=None, **values):
        """Write /proc/PID/stat, or that of a task."""
        values = {"comm": f"program{pid}", "state": "S", "threads": 1, "started": 100} | values
        fields = ["0"] * STAT_FIELDS
        fields[0], fields[1] = str(pid), f"({values['comm']})"
        fields[2], fields[3] = values["state"], str(values.get("parent", 1))
        fields[8] = str(0x00200000 if values.get("kernel") else 0x00400000)
        fields[19], fields[21] = str(values["threads"]), str(values["started"])
        fields[23] = str(values.get("rss", 1000))
        self.write(f"{folder or pid}/stat", " ".join(fields) + "\n")

    def write(self, name, text):
        """Write a file in place."""
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


STAT_VALUES = {"comm", "state", "parent", "kernel", "threads", "started", "rss"}
