"""Finds and loads the scripts in tools/ for their tests."""

import importlib.machinery
import importlib.util
import os
import sys


def path(name):
    """Returns the path of tools/NAME."""
    return os.path.join(os.path.dirname(os.path.realpath(__file__)),
                        "../../tools", name)


def load(name):
    """Returns tools/NAME as a module, although its name does not end in .py."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader(name, path(name))
    spec = importlib.util.spec_from_loader(loader.name, loader)
    module = importlib.util.module_from_spec(spec)
    loader.exec_module(module)
    return module
