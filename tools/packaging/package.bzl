"""The rules behind tools/install: static archives, and a package of them.

A component of the package is what an application can link: an archive and the
text that CMake and pkg-config need.  An object is in one archive only, so an
application may link any components side by side.
"""

_ComponentInfo = provider(
    doc = "A component of the package.",
    fields = {
        "archive": "File: the static archive",
        "objects": "list of File: what is in the archive",
        "linked": "list of File: what is in it and in the archives that it needs",
        "headers": "depset of File: the headers of its libraries",
        "manifest": "struct for package.py, which documents it",
    },
)

def _objects_of(deps):
    """Returns the position-independent objects that `deps` link.

    Only this repository has any: the libraries of the system are linker options
    (third_party/repositories.bzl).
    """
    objects = {}
    for dep in deps:
        for linker_input in dep[CcInfo].linking_context.linker_inputs.to_list():
            for library in linker_input.libraries:
                if not library.pic_objects:
                    fail("%s was not compiled with -fPIC" % linker_input.owner)
                for object in library.pic_objects:
                    objects[object] = None
    return objects.keys()

def _mb_component_impl(ctx):
    needs = [need[_ComponentInfo] for need in ctx.attr.needs]
    there = {object: None for need in needs for object in need.linked}
    objects = [o for o in _objects_of(ctx.attr.deps) if o not in there]

    name = ctx.label.name
    stem = name if name == "multi_backend" else "multi_backend_" + name
    archive = ctx.actions.declare_file("lib%s.a" % stem)
    arguments = ctx.actions.args()
    arguments.set_param_file_format("multiline")
    arguments.use_param_file("@%s", use_always = True)
    arguments.add_all(objects)
    ctx.actions.run_shell(
        outputs = [archive],
        inputs = objects,
        # q keeps objects of the same name, D leaves out times and owners.
        command = 'rm -f "$1" && ar qcsD "$1" "$2"',
        arguments = [archive.path, arguments],
        mnemonic = "Archive",
        progress_message = "Archiving " + archive.short_path,
        use_default_shell_env = True,
    )
    return [
        DefaultInfo(files = depset([archive])),
        _ComponentInfo(
            archive = archive,
            objects = objects,
            linked = objects + there.keys(),
            headers = depset(transitive = [
                dep[CcInfo].compilation_context.headers
                for dep in ctx.attr.deps
            ]),
            manifest = struct(
                name = name,
                stem = stem,
                archive = archive.path,
                description = ctx.attr.description,
                needs = [need.label.name for need in ctx.attr.needs],
                cmake_targets = ctx.attr.cmake_targets,
                pkg_config_modules = ctx.attr.pkg_config_modules,
                libraries = ctx.attr.libraries,
                undefined = ctx.attr.undefined,
            ),
        ),
    ]

mb_component = rule(
    implementation = _mb_component_impl,
    doc = "An archive with all objects that `deps` link, except those of `needs`.",
    attrs = {
        "deps": attr.label_list(
            mandatory = True,
            providers = [CcInfo],
            doc = "the libraries",
        ),
        "needs": attr.label_list(
            providers = [_ComponentInfo],
            doc = "the components that an application links in addition",
        ),
        "description": attr.string(
            mandatory = True,
            doc = "one line for pkg-config",
        ),
        "cmake_targets": attr.string_list(
            doc = "targets that the CMake package of gRPC brings",
        ),
        "pkg_config_modules": attr.string_list(
            doc = "the same for pkg-config",
        ),
        "libraries": attr.string_dict(
            doc = "other libraries -> their pkg-config modules, or \"\"",
        ),
        "undefined": attr.string(
            doc = "a symbol that must be linked although no strong reference needs it",
        ),
    },
)

def _mb_package_impl(ctx):
    components = [c[_ComponentInfo] for c in ctx.attr.components]
    archive_of = {}
    for component in components:
        for object in component.objects:
            if object in archive_of:
                fail("%s is in %s and in %s: let one of the two need a component that has it" % (
                    object.short_path,
                    archive_of[object].basename,
                    component.archive.basename,
                ))
            archive_of[object] = component.archive

    headers = depset(transitive = [c.headers for c in components])
    manifest = ctx.actions.declare_file(ctx.label.name + ".json")
    ctx.actions.write(manifest, json.encode(struct(
        public_headers = ctx.attr.public_headers,
        headers = [header.path for header in headers.to_list()],
        components = [component.manifest for component in components],
        templates = {f.basename: f.path for f in ctx.files.templates},
    )))
    package = ctx.actions.declare_file(ctx.label.name + ".tar")
    ctx.actions.run_shell(
        outputs = [package],
        inputs = depset(
            [manifest, ctx.file._script] + ctx.files.templates +
            [component.archive for component in components],
            transitive = [headers],
        ),
        command = 'python3 -B "$@"',
        arguments = [ctx.file._script.path, manifest.path, package.path],
        mnemonic = "Package",
        progress_message = "Packing " + package.short_path,
        use_default_shell_env = True,
    )
    return [DefaultInfo(
        files = depset([package]),
        runfiles = ctx.runfiles(files = [package]),
    )]

mb_package = rule(
    implementation = _mb_package_impl,
    doc = "A tar with include/ and lib/ of `components`; see package.py.",
    attrs = {
        "components": attr.label_list(
            mandatory = True,
            providers = [_ComponentInfo],
            doc = "each after those that it needs",
        ),
        "public_headers": attr.string_list(
            mandatory = True,
            doc = "what applications include, from the root of the repository",
        ),
        "templates": attr.label_list(allow_files = True),
        "_script": attr.label(
            default = "//tools/packaging:package.py",
            allow_single_file = True,
        ),
    },
)
