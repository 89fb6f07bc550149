"""How JSON and CSV are written."""

from rssbound.cli.render.documents import csv_side, csv_text, json_line, json_text


def test_json_is_indented_ends_its_line_and_keeps_letters():
    assert json_text({"host": "服务器", "pages": None}) == (
        '{\n  "host": "服务器",\n  "pages": null\n}\n'
    )


def test_json_on_a_line():
    assert json_line({"host": "é", "updates": [[0, 32]]}) == '{"host": "é", "updates": [[0, 32]]}'


def test_csv_quotes_what_would_break_a_row():
    text = csv_text(("host", "pages"), [('a,"b"\nc', 1), (None, csv_side(None))])

    assert text == 'host,pages\n"a,""b""\nc",1\n,inf\n'


def test_no_bound_in_csv_differs_from_a_bound_of_zero():
    assert (csv_side(None), csv_side(0)) == ("inf", 0)
