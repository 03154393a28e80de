#include "multi_backend/tools/mb/resolve/resolution.h"

#include <string>

#include "absl/time/time.h"
#include "gtest/gtest.h"
#include "multi_backend/tools/mb/output/json.h"

namespace multi_backend {
namespace mb {
namespace {

const absl::Time kTime = absl::FromUnixSeconds(1700000000);

Endpoint A() { return Endpoint::Of("10.0.0.1", 1).WithRole("primary"); }
Endpoint B() {
  Endpoint endpoint = Endpoint::Of("10.0.0.2", 1).WithWeight(2000);
  endpoint.zone = "eu";
  endpoint.labels = {{"version", "7"}, {"rack", "b\x1b[2J"}};
  return endpoint;
}

TEST(ResolutionTest, AListIsATable) {
  EXPECT_EQ(FormatResolution(MakeResolution("static:///x", kTime, {A(), B()})),
            "2023-11-14T22:13:20Z  2 endpoints\n"
            "  BACKEND     WEIGHT  ROLE     ZONE  LABELS\n"
            "  10.0.0.1:1    1000  primary\n"
            "  10.0.0.2:1    2000           eu    rack=b\\x1b[2J version=7\n");
}

TEST(ResolutionTest, AnEmptyListAndAnError) {
  EXPECT_EQ(FormatResolution(MakeResolution("static:///x", kTime, {})),
            "2023-11-14T22:13:20Z  0 endpoints\n");
  EXPECT_EQ(
      FormatResolution(MakeFailure("x", kTime, absl::UnavailableError("a\n"))),
      "2023-11-14T22:13:20Z  error: a\\n\n");
}

TEST(ResolutionTest, ChangesAreMarked) {
  const v1::Resolution older =
      MakeResolution("x", kTime, {A(), B(), Endpoint::Of("10.0.0.3", 1)});
  v1::Resolution newer = MakeResolution(
      "x", kTime, {A().WithWeight(5), B(), Endpoint::Of("10.0.0.4", 1)});
  SetChanges(older, newer);
  EXPECT_EQ(FormatChanges(newer),
            "2023-11-14T22:13:20Z  3 endpoints: 1 new, 1 gone, 1 changed\n"
            "  -  10.0.0.3:1\n"
            "  +  10.0.0.4:1    1000\n"
            "  ~  10.0.0.1:1       5  primary\n");
}

TEST(ResolutionTest, EverythingMayGo) {
  const v1::Resolution older = MakeResolution("x", kTime, {A()});
  v1::Resolution newer = MakeResolution("x", kTime, {});
  SetChanges(older, newer);
  EXPECT_EQ(FormatChanges(newer),
            "2023-11-14T22:13:20Z  0 endpoints: 0 new, 1 gone, 0 changed\n"
            "  -  10.0.0.1:1\n");
}

TEST(ResolutionTest, Json) {
  v1::Resolution resolution = MakeResolution("static:///x", kTime, {A()});
  EXPECT_EQ(ToJson(resolution),
            "{\"target\":\"static:///x\",\"time\":\"2023-11-14T22:13:20Z\","
            "\"endpoints\":[{\"address\":\"10.0.0.1:1\",\"weight\":1000,"
            "\"role\":\"primary\",\"zone\":\"\",\"priority\":0,\"labels\":{}}],"
            "\"added\":[],\"removed\":[],\"changed\":[],\"error\":\"\"}\n");
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
