// Figures: named numbers that a client of //bench:peers measured, and their
// form on the line between the two processes: "calls=12 cpu_us=340.5".
#ifndef MULTI_BACKEND_BENCH_PEERS_REPORT_FIGURES_H_
#define MULTI_BACKEND_BENCH_PEERS_REPORT_FIGURES_H_

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace multi_backend {

// Names have neither spaces nor '='.
using Figures = std::map<std::string, double>;

std::string FiguresToLine(const Figures& figures);
// INVALID_ARGUMENT with the line if it is none of FiguresToLine().
absl::StatusOr<Figures> FiguresFromLine(absl::string_view line);

}  // namespace multi_backend

#endif  // MULTI_BACKEND_BENCH_PEERS_REPORT_FIGURES_H_
