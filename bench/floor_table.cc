#include "multi_backend/bench/floor_table.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"

namespace multi_backend {

BenchFlags BenchFlags::Parse(int argc, char** argv) {
  BenchFlags flags;
  for (int i = 1; i < argc; ++i) {
    if (std::strcmp(argv[i], "--check") == 0) {
      flags.check = true;
    } else if (std::strcmp(argv[i], "--smoke") == 0) {
      flags.smoke = true;
    } else if (std::strcmp(argv[i], "--verbose") == 0) {
      flags.verbose = true;
    } else if (std::strncmp(argv[i], "--only=", 7) == 0) {
      flags.only = argv[i] + 7;
    } else if (std::strcmp(argv[i], "--help") == 0) {
      std::fprintf(stderr,
                   "usage: %s [--check] [--smoke] [--verbose] [--only=TEXT]\n",
                   argv[0]);
      std::exit(2);
    } else {
      flags.rest.push_back(argv[i]);
    }
  }
  return flags;
}

FloorTable::FloorTable(std::string title, std::string unit)
    : title_(std::move(title)) {
  std::printf("%s, in %s\n", title_.c_str(), unit.c_str());
  std::printf("%-44s %8s %12s %12s %8s %8s\n", "what", "size", "ours", "peer",
              "ratio", "floor");
}

void FloorTable::Add(const Row& row) {
  const double ratio = row.ours / row.peer;
  std::string floor = "-";
  if (row.floor.has_value()) {
    floor = absl::StrCat("<=", *row.floor);
    if (ratio > *row.floor) {
      missed_.push_back(absl::StrCat(row.what, " at ", row.size));
      floor += " MISSED";
    }
  }
  std::printf("%-44s %8s %12.1f %12.1f %8.3f %8s\n", row.what.c_str(),
              row.size.c_str(), row.ours, row.peer, ratio, floor.c_str());
  std::fflush(stdout);
}

int FloorTable::ExitCode(const BenchFlags& flags) const {
  if (!flags.check || missed_.empty()) return 0;
  for (const std::string& what : missed_) {
    std::fprintf(stderr, "%s: floor missed: %s\n", title_.c_str(),
                 what.c_str());
  }
  return 1;
}

}  // namespace multi_backend
