"""Packs what tools/install copies: a tar with include/ and lib/.

    python3 package.py MANIFEST PACKAGE

MANIFEST is the JSON that package.bzl writes:

    {"public_headers": ["multi_backend.h", …],
     "headers": [path, …],         all headers of the libraries
     "templates": {name: path},    the texts that are filled in
     "components": [{
        "name": "dns",             the CMake target is multi_backend::dns
        "stem": "multi_backend_dns",
        "archive": path,
        "description": "…",
        "needs": ["core"],         other components
        "cmake_targets": […],      of gRPC's CMake package
        "pkg_config_modules": […],
        "libraries": {"cares": "libcares", "resolv": ""},
        "undefined": "symbol" or ""}, …]}

Only headers that a public header includes, directly or not, are packed.  No file
names the place where it was built or where it will be installed, and the same
input makes the same bytes.
"""

import io
import json
import re
import sys
import tarfile

GRPC_VERSION_HEADER = "/usr/include/grpcpp/version_info.h"
VIRTUAL = re.compile(r"/_virtual_includes/[^/]+/(multi_backend/.*)$")
INCLUDE = re.compile(rb'^\s*#\s*include\s*"(multi_backend/[^"]+)"', re.M)
VERSION = re.compile(r'Version\(\) { return "([0-9]+\.[0-9]+)(\.[0-9]+)"; }')
GRPC_VERSION = re.compile(
    r'GRPC_CPP_VERSION_STRING "(([0-9]+)\.([0-9]+)\.[0-9]+)[^"]*"')


def read(path):
    with open(path, "rb") as file:
        return file.read()


def search(pattern, path):
    """Returns the match of `pattern` in a file.  Exits if there is none."""
    found = pattern.search(read(path).decode())
    if found is None:
        sys.exit("package: %s has no %s" % (path, pattern.pattern))
    return found


def closure(public, texts_of):
    """Returns all headers that the headers `public` include, directly or not.

    Args:
      public: how the public headers are included, "multi_backend/….h".
      texts_of: function from such a name to the header's bytes, or None.
    """
    found = {}
    todo = [(name, "the list of public headers") for name in public]
    while todo:
        name, source = todo.pop()
        if name in found:
            continue
        found[name] = texts_of(name)
        if found[name] is None:
            sys.exit("package: %s names %s, which no component has" %
                     (source, name))
        todo += [(inner.decode(), name)
                 for inner in INCLUDE.findall(found[name])]
    return found


def fill(template, values):
    for name, value in values.items():
        template = template.replace("@%s@" % name, value)
    return template


def with_needs(component, components):
    """Returns the component and all that it needs, in the linker's order.

    Args:
      component: one of `components`.
      components: each after those that it needs.
    """
    needed = {component["name"]}
    for other in reversed(components):
        if other["name"] in needed:
            needed.update(other["needs"])
    return [c for c in reversed(components) if c["name"] in needed]


def pkg_config_file(template, component, components, values):
    """Returns the text of a component's .pc file.

    It names the archives of the components that are needed, and not their
    modules: pkgconf walks each path to a module anew, and gRPC's module alone
    takes half a second.
    """
    parts = with_needs(component, components)
    libs = []
    if component["undefined"]:
        libs.append("-Wl,--undefined=" + component["undefined"])
    libs += ["-l" + part["stem"] for part in parts]
    requires = []
    for part in parts:
        requires += part["pkg_config_modules"]
        for library, module in part["libraries"].items():
            if module:
                requires.append(module)
            else:
                libs.append("-l" + library)
    return fill(template, {
        **values,
        "NAME": component["stem"],
        "DESCRIPTION": component["description"],
        "REQUIRES": ", ".join(requires),
        "LIBS": " ".join(libs),
    })


def cmake_lines(components):
    """Returns the calls that declare the components to CMake."""
    lines = []
    for component in components:
        line = "_multi_backend_component(%(name)s %(stem)s" % component
        for keyword, words in [
                ("NEEDS", component["needs"]),
                ("TARGETS", component["cmake_targets"]),
                ("LIBRARIES", component["libraries"]),
                ("UNDEFINED", component["undefined"].split()),
        ]:
            if words:
                line += "\n  %s %s" % (keyword, " ".join(words))
        lines.append(line + ")")
    return "\n".join(lines)


def contents(manifest):
    """Returns the package: path -> bytes."""
    places = {}
    for path in manifest["headers"]:
        virtual = VIRTUAL.search(path)
        if virtual:
            places[virtual.group(1)] = path
    public = ["multi_backend/" + header for header in manifest["public_headers"]]
    headers = closure(
        public, lambda name: read(places[name]) if name in places else None)

    version = VERSION.search(headers["multi_backend/multi_backend.h"].decode())
    if version is None:
        sys.exit("package: multi_backend.h does not say its Version()")
    grpc = search(GRPC_VERSION, GRPC_VERSION_HEADER)
    values = {
        "VERSION": version.group(1) + version.group(2),
        "SERIES": version.group(1),
        "GRPC_VERSION": grpc.group(1),
        "GRPC_SERIES": "%s.%s" % grpc.group(2, 3),
        "NEXT_GRPC_SERIES": "%s.%d" % (grpc.group(2), int(grpc.group(3)) + 1),
    }

    files = {"include/" + name: text for name, text in headers.items()}
    components = manifest["components"]
    template_of = {name: read(path).decode()
                   for name, path in manifest["templates"].items()}
    for component in components:
        stem = component["stem"]
        files["lib/lib%s.a" % stem] = read(component["archive"])
        files["lib/pkgconfig/%s.pc" % stem] = pkg_config_file(
            template_of["component.pc.in"], component, components,
            values).encode()
    for name in ("config", "config-version"):
        file = "multi_backend-%s.cmake" % name
        files["lib/cmake/multi_backend/" + file] = fill(
            template_of[file + ".in"],
            {**values, "COMPONENTS": cmake_lines(components),
             "NAMES": ", ".join(c["name"] for c in components)}).encode()
    return files


def write_tar(files, path):
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o644
            tar.addfile(member, io.BytesIO(files[name]))


def main(manifest, package):
    write_tar(contents(json.loads(read(manifest))), package)


if __name__ == "__main__":
    main(*sys.argv[1:])
