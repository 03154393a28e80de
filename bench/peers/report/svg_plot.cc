#include "multi_backend/bench/peers/report/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "multi_backend/bench/calls/die.h"

namespace multi_backend {
namespace {

// Pixels.
constexpr double kWidth = 760;
constexpr double kHeight = 420;
constexpr double kLeft = 80;
constexpr double kRight = 240;  // The legend stands there.
constexpr double kTop = 40;
constexpr double kBottom = 50;
constexpr int kTicks = 5;

// Colours that also differ for those who do not see red and green apart
// (Okabe and Ito, "Color Universal Design", 2008).
constexpr const char* kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                    "#e69f00", "#56b4e9", "#000000"};

std::string Escaped(const std::string& text) {
  return absl::StrReplaceAll(text,
                             {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}});
}

void AppendText(double x, double y, const std::string& anchor,
                const std::string& text, std::string& svg) {
  absl::StrAppendFormat(
      &svg, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\">%s</text>\n", x, y,
      anchor, Escaped(text));
}

// The smallest of 1, 2 and 5 times a power of ten that is not below `value`.
double RoundUp(double value) {
  const double power = std::pow(10, std::floor(std::log10(value)));
  for (const double step : {1.0, 2.0, 5.0}) {
    if (value <= step * power) return step * power;
  }
  return 10 * power;
}

}  // namespace

struct SvgPlot::Frame {
  double x_low = 0;
  double x_high = 1;
  double y_high = 1;
  bool log_x = false;

  double X(double x) const {
    const double at = log_x ? std::log(x / x_low) / std::log(x_high / x_low)
                            : (x - x_low) / (x_high - x_low);
    return kLeft + at * (kWidth - kLeft - kRight);
  }
  double Y(double y) const {
    return kHeight - kBottom - y / y_high * (kHeight - kTop - kBottom);
  }
};

SvgPlot::SvgPlot(std::string title, std::string x_label, std::string y_label,
                 bool log_x)
    : title_(std::move(title)),
      x_label_(std::move(x_label)),
      y_label_(std::move(y_label)),
      log_x_(log_x) {}

void SvgPlot::Add(Series series) { series_.push_back(std::move(series)); }

SvgPlot::Frame SvgPlot::MakeFrame() const {
  Frame frame;
  frame.log_x = log_x_;
  bool first = true;
  double highest = 0;
  for (const Series& series : series_) {
    for (const Point& point : series.points) {
      frame.x_low = first ? point.x : std::min(frame.x_low, point.x);
      frame.x_high = first ? point.x : std::max(frame.x_high, point.x);
      highest = std::max(highest, point.y);
      first = false;
    }
  }
  if (frame.x_high <= frame.x_low) frame.x_high = frame.x_low + 1;
  if (highest > 0) frame.y_high = RoundUp(highest);
  return frame;
}

void SvgPlot::AppendAxes(const Frame& frame, std::string& svg) const {
  absl::StrAppendFormat(
      &svg, "<path d=\"M%g %gV%gH%g\" fill=\"none\" stroke=\"black\"/>\n",
      kLeft, kTop, kHeight - kBottom, kWidth - kRight);
  for (int i = 0; i <= kTicks; ++i) {
    const double y = frame.y_high * i / kTicks;
    AppendText(kLeft - 6, frame.Y(y) + 4, "end", absl::StrFormat("%g", y), svg);
  }
  std::set<double> ticks;
  for (const Series& series : series_) {
    for (const Point& point : series.points) {
      if (log_x_) ticks.insert(point.x);
    }
  }
  for (int i = 0; !log_x_ && i <= kTicks; ++i) {
    ticks.insert(frame.x_low + (frame.x_high - frame.x_low) * i / kTicks);
  }
  for (const double x : ticks) {
    AppendText(frame.X(x), kHeight - kBottom + 18, "middle",
               absl::StrFormat("%.3g", x), svg);
  }
  AppendText((kLeft + kWidth - kRight) / 2, kHeight - 12, "middle", x_label_,
             svg);
  AppendText(kLeft, kTop - 10, "middle", y_label_, svg);
  AppendText((kLeft + kWidth - kRight) / 2, 18, "middle", title_, svg);
}

std::string SvgPlot::ToSvg() const {
  const Frame frame = MakeFrame();
  std::string svg = absl::StrFormat(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %g %g\" "
      "font-family=\"sans-serif\" font-size=\"12\">\n"
      "<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
      kWidth, kHeight);
  AppendAxes(frame, svg);
  size_t number = 0;
  for (const Series& series : series_) {
    const char* const colour =
        kColours[number % (sizeof(kColours) / sizeof(kColours[0]))];
    std::string points;
    for (const Point& point : series.points) {
      absl::StrAppendFormat(&points, "%.1f,%.1f ", frame.X(point.x),
                            frame.Y(point.y));
    }
    absl::StrAppendFormat(&svg,
                          "<polyline points=\"%s\" fill=\"none\" "
                          "stroke=\"%s\" stroke-width=\"2\"/>\n",
                          points, colour);
    const double y = kTop + 18.0 * static_cast<double>(number);
    absl::StrAppendFormat(
        &svg,
        "<rect x=\"%g\" y=\"%g\" width=\"14\" height=\"4\" fill=\"%s\"/>\n",
        kWidth - kRight + 16, y - 6, colour);
    AppendText(kWidth - kRight + 36, y, "start", series.name, svg);
    ++number;
  }
  return svg + "</svg>\n";
}

void SvgPlot::WriteTo(const std::string& directory,
                      const std::string& file) const {
  if (directory.empty()) return;
  const std::string path = directory + "/" + file;
  std::ofstream out(path);
  out << ToSvg();
  out.close();
  if (out.fail()) {
    Die("cannot write " + path);
  }
}

}  // namespace multi_backend
