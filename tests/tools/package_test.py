"""What tools/packaging/package.py puts into the package."""

import unittest

import scripts

package = scripts.load("packaging/package.py")


def component(name, **fields):
    return {
        "name": name,
        "stem": "multi_backend_" + name,
        "description": "about " + name,
        "needs": [],
        "cmake_targets": [],
        "pkg_config_modules": [],
        "libraries": {},
        "undefined": "",
        **fields,
    }


CORE = component("core", cmake_targets=["gRPC::grpc++"],
                 pkg_config_modules=["re2"])
DNS = component("dns", needs=["core"],
                libraries={"cares": "libcares", "resolv": ""})
ETCD = component("etcd", needs=["core"])
WHOLE = component("whole", needs=["dns"], undefined="_Zall")
ALL = [CORE, DNS, ETCD, WHOLE]


class ClosureTest(unittest.TestCase):

    def test_only_what_a_public_header_reaches(self):
        texts = {
            "multi_backend/a.h": b'#include <x.h>\n#include "multi_backend/b/b.h"\n',
            "multi_backend/b/b.h": b'#include "multi_backend/a.h"\n',
            "multi_backend/c.h": b"",
        }
        found = package.closure(["multi_backend/a.h"], texts.get)
        self.assertEqual(sorted(found),
                         ["multi_backend/a.h", "multi_backend/b/b.h"])

    def test_a_header_that_is_missing_is_named_with_the_one_that_includes_it(self):
        texts = {"multi_backend/a.h": b'#include "multi_backend/b.h"\n'}
        with self.assertRaisesRegex(
                SystemExit, "multi_backend/a.h names multi_backend/b.h"):
            package.closure(["multi_backend/a.h"], texts.get)


class PkgConfigTest(unittest.TestCase):

    def test_a_module_links_all_that_is_needed_in_order(self):
        for component_, text in [
                (CORE, "re2|-lmulti_backend_core"),
                (DNS, "libcares, re2|-lmulti_backend_dns -lmulti_backend_core "
                 "-lresolv"),
                (WHOLE, "libcares, re2|-Wl,--undefined=_Zall "
                 "-lmulti_backend_whole -lmulti_backend_dns "
                 "-lmulti_backend_core -lresolv"),
        ]:
            with self.subTest(component_["name"]):
                self.assertEqual(
                    package.pkg_config_file("@REQUIRES@|@LIBS@", component_,
                                            ALL, {}), text)


class CmakeTest(unittest.TestCase):

    def test_each_component_is_a_call(self):
        self.assertEqual(package.cmake_lines([CORE, DNS, WHOLE]), """\
_multi_backend_component(core multi_backend_core
  TARGETS gRPC::grpc++)
_multi_backend_component(dns multi_backend_dns
  NEEDS core
  LIBRARIES cares resolv)
_multi_backend_component(whole multi_backend_whole
  NEEDS dns
  UNDEFINED _Zall)""")


if __name__ == "__main__":
    unittest.main()
