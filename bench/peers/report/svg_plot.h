// SvgPlot: lines over numbers, as an SVG picture.
//
//   SvgPlot plot("Calls a second", "callers", "calls/s");
//   plot.Add({"ours", {{1, 5000}, {2, 9000}}});
//   plot.WriteTo("/tmp", "threads.svg");
//
// The y axis begins at 0.  A logarithmic x axis has its ticks at the points.
#ifndef MULTI_BACKEND_BENCH_PEERS_REPORT_SVG_PLOT_H_
#define MULTI_BACKEND_BENCH_PEERS_REPORT_SVG_PLOT_H_

#include <string>
#include <vector>

namespace multi_backend {

class SvgPlot {
 public:
  struct Point {
    double x = 0;
    double y = 0;
  };
  struct Series {
    std::string name;
    std::vector<Point> points;
  };

  // With `log_x`, every x is above 0.
  SvgPlot(std::string title, std::string x_label, std::string y_label,
          bool log_x = false);
  void Add(Series series);
  std::string ToSvg() const;
  // Does nothing if `directory` is "".  Ends the program if the file cannot be
  // written.
  void WriteTo(const std::string& directory, const std::string& file) const;

 private:
  struct Frame;  // Where the values are in the picture.

  Frame MakeFrame() const;
  void AppendAxes(const Frame& frame, std::string& svg) const;

  const std::string title_;
  const std::string x_label_;
  const std::string y_label_;
  const bool log_x_;
  std::vector<Series> series_;
};

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_REPORT_SVG_PLOT_H_
