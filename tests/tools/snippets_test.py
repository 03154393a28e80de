"""Checks that the code in docs/ is the code that examples/snippets compiles.

A page names the source of a block in the line before it:

    <!-- snippet: pool_events -->
    ```cpp
    ...
    ```

The source is what stands between the lines "// [pool_events]" and
"// [/pool_events]" of a .cc file in examples/snippets, without its common
indentation, or a whole file if the name ends in ".json".  A block of C++ in a
page must name its source.

    python3 snippets_test.py             runs the checks
    python3 snippets_test.py --update    copies the sources into the pages
"""

import glob
import os
import re
import sys
import textwrap
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(
    os.path.realpath(__file__))))
BEGIN = re.compile(r"^\s*// \[(\w+)\]$")
SNIPPET = re.compile(r"^<!-- snippet: (\S+) -->$")
FENCE = "```"


class SnippetError(Exception):
    """What is wrong, with the place: "file:line: what"."""


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def snippets_of(path, text):
    """Returns the snippets of a .cc file by name, each as a list of lines."""
    found = {}
    name = None
    for number, line in enumerate(text.splitlines(), 1):
        begin = BEGIN.match(line)
        if begin and name:
            raise SnippetError("%s:%d: [%s] begins inside [%s]" %
                               (path, number, begin.group(1), name))
        if begin:
            name = begin.group(1)
            if name in found:
                raise SnippetError("%s:%d: [%s] is there twice" %
                                   (path, number, name))
            found[name] = []
        elif name and line.strip() == "// [/%s]" % name:
            found[name] = textwrap.dedent("\n".join(found[name])).splitlines()
            name = None
        elif name:
            found[name].append(line)
    if name:
        raise SnippetError("%s: [%s] has no end" % (path, name))
    return found


def all_snippets(folder):
    found = {}
    for path in sorted(glob.glob(os.path.join(folder, "*"))):
        name = os.path.basename(path)
        if name.endswith(".json"):
            more = {name: read(path).splitlines()}
        elif name.endswith(".cc") and not name.endswith("_test.cc"):
            more = snippets_of(name, read(path))
        else:
            continue
        for key, lines in more.items():
            if key in found:
                raise SnippetError("%s: [%s] is in another file too" %
                                   (name, key))
            found[key] = lines
    return found


def checked_page(path, text, snippets, used):
    """Returns the page with the snippets as they are now.

    Adds the names of the snippets to the set `used`.  Raises SnippetError for
    an unknown name, and for C++ without one.
    """
    lines = text.splitlines()
    result = []
    i = 0
    while i < len(lines):
        snippet = SNIPPET.match(lines[i])
        opens = lines[i].startswith(FENCE)
        if opens and lines[i] == FENCE + "cpp":
            raise SnippetError(
                "%s:%d: C++ must come from examples/snippets; name its snippet "
                "in the line before" % (path, i + 1))
        result.append(lines[i])
        i += 1
        if not snippet and not opens:
            continue
        if snippet:
            name = snippet.group(1)
            if name not in snippets:
                raise SnippetError("%s:%d: examples/snippets has no [%s]" %
                                   (path, i, name))
            used.add(name)
            if i == len(lines) or not lines[i].startswith(FENCE):
                raise SnippetError("%s:%d: a block of code must follow" %
                                   (path, i))
            result.append(lines[i])
            i += 1
        begin = i
        while i < len(lines) and lines[i] != FENCE:
            i += 1
        if i == len(lines):
            raise SnippetError("%s:%d: the block has no end" % (path, begin))
        result += snippets[name] if snippet else lines[begin:i]
        result.append(FENCE)
        i += 1
    return "\n".join(result) + "\n"


def pages():
    return sorted(glob.glob(os.path.join(ROOT, "docs", "*.md")))


def snippet_folder():
    return os.path.join(ROOT, "examples", "snippets")


class PagesTest(unittest.TestCase):
    maxDiff = None

    def test_each_page_shows_the_code_that_is_compiled(self):
        snippets = all_snippets(snippet_folder())
        used = set()
        for path in pages():
            text = read(path)
            self.assertMultiLineEqual(
                text, checked_page(os.path.relpath(path, ROOT), text, snippets,
                                   used),
                "%s: run tests/tools/snippets_test.py --update" % path)
        self.assertEqual(sorted(set(snippets) - used), [],
                         "no page shows these snippets")


class RulesTest(unittest.TestCase):
    SNIPPETS = {"a": ["int a;"], "b.json": ["{}"]}

    def assert_error(self, expected, function, *args):
        with self.assertRaises(SnippetError) as raised:
            function(*args)
        self.assertEqual(str(raised.exception), expected)

    def test_a_snippet_loses_its_indentation(self):
        self.assertEqual(
            snippets_of("x.cc", "f() {\n  // [a]\n  if (b) {\n    c();\n\n"
                        "  }\n  // [/a]\n}\n"),
            {"a": ["if (b) {", "  c();", "", "}"]})

    def test_marks_that_do_not_match_are_refused(self):
        self.assert_error("x.cc: [a] has no end", snippets_of, "x.cc",
                          "// [a]\nint a;\n")
        self.assert_error("x.cc:2: [b] begins inside [a]", snippets_of, "x.cc",
                          "// [a]\n// [b]\n")
        self.assert_error("x.cc:3: [a] is there twice", snippets_of, "x.cc",
                          "// [a]\n// [/a]\n// [a]\n// [/a]\n")

    def test_a_block_is_replaced_by_its_snippet(self):
        used = set()
        self.assertEqual(
            checked_page(
                "x.md", "One\n<!-- snippet: a -->\n```cpp\nint old;\n```\n"
                "<!-- snippet: b.json -->\n```json\n```\n```json\n[]\n```\n",
                self.SNIPPETS, used),
            "One\n<!-- snippet: a -->\n```cpp\nint a;\n```\n"
            "<!-- snippet: b.json -->\n```json\n{}\n```\n```json\n[]\n```\n")
        self.assertEqual(used, {"a", "b.json"})

    def test_code_without_a_source_is_refused(self):
        self.assert_error(
            "x.md:2: C++ must come from examples/snippets; name its snippet in "
            "the line before", checked_page, "x.md", "\n```cpp\n```\n",
            self.SNIPPETS, set())
        self.assert_error("x.md:1: examples/snippets has no [c]", checked_page,
                          "x.md", "<!-- snippet: c -->\n```cpp\n```\n",
                          self.SNIPPETS, set())
        self.assert_error("x.md:1: a block of code must follow", checked_page,
                          "x.md", "<!-- snippet: a -->\n\n```cpp\n```\n",
                          self.SNIPPETS, set())
        self.assert_error("x.md:2: the block has no end", checked_page, "x.md",
                          "<!-- snippet: a -->\n```cpp\nint a;\n",
                          self.SNIPPETS, set())


def update():
    snippets = all_snippets(snippet_folder())
    for path in pages():
        text = read(path)
        new = checked_page(os.path.relpath(path, ROOT), text, snippets, set())
        if new != text:
            with open(path, "w", encoding="utf-8") as page:
                page.write(new)
            print("updated", os.path.relpath(path, ROOT))


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        unittest.main()
