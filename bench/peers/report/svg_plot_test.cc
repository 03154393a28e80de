#include "multi_backend/bench/peers/report/svg_plot.h"

#include <fstream>
#include <sstream>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace multi_backend {
namespace {

using testing::HasSubstr;

TEST(SvgPlotTest, TheExtremesAreAtTheEdgesOfTheFrame) {
  SvgPlot plot("title", "x", "y");
  plot.Add({"line", {{10, 0}, {20, 50}, {30, 100}}});
  EXPECT_THAT(plot.ToSvg(),
              HasSubstr("points=\"80.0,370.0 300.0,205.0 520.0,40.0 \""));
}

TEST(SvgPlotTest, ALogarithmicAxisHasEqualStepsForEqualFactors) {
  SvgPlot plot("title", "x", "y", /*log_x=*/true);
  plot.Add({"line", {{1, 100}, {10, 100}, {100, 100}}});
  EXPECT_THAT(plot.ToSvg(),
              HasSubstr("points=\"80.0,40.0 300.0,40.0 520.0,40.0 \""));
}

TEST(SvgPlotTest, TextIsEscaped) {
  SvgPlot plot("a < b & c", "x", "y");
  EXPECT_THAT(plot.ToSvg(), HasSubstr(">a &lt; b &amp; c<"));
}

TEST(SvgPlotTest, ASinglePointAndNoneAreDrawn) {
  SvgPlot plot("title", "x", "y");
  EXPECT_THAT(plot.ToSvg(), HasSubstr("</svg>"));
  plot.Add({"line", {{5, 0}}});
  EXPECT_THAT(plot.ToSvg(), HasSubstr("points=\"80.0,370.0 \""));
}

TEST(SvgPlotTest, WritesIntoTheDirectory) {
  SvgPlot plot("title", "x", "y");
  plot.WriteTo(testing::TempDir(), "plot.svg");
  std::ostringstream text;
  text << std::ifstream(testing::TempDir() + "/plot.svg").rdbuf();
  EXPECT_EQ(text.str(), plot.ToSvg());
}

}  // namespace
}  // namespace multi_backend
