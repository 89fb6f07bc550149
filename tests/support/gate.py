"""A check of a small machine against a baseline."""

HOST = "package:2 core:4 pu:1"
TREE = ("--design", "tree")


def check(call, *arguments):
    return call("check", "--baseline", "bounds.json", "--topology", HOST, *TREE, *arguments)
