// Runs the commands that docs/mb.md shows, and compares what they print.
//
// A ```json block after "<!-- file: NAME -->" is a file of the commands; a
// ```console block is a command and its output.  Times may differ.
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "multi_backend/tests/testing/server_process.h"
#include "multi_backend/tools/mb/testing/mb_process.h"
#include "re2/re2.h"

namespace multi_backend {
namespace mb {
namespace {

using testing::MbResult;

std::string ReadPage() {
  std::ifstream page(RunfilePath("docs/mb.md"));
  std::stringstream text;
  text << page.rdbuf();
  return text.str();
}

std::string WithoutTimes(std::string text) {
  RE2::GlobalReplace(&text, R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)", "TIME");
  return text;
}

// The text between `begin`, after which `page` is cut, and "```".
bool TakeBlock(absl::string_view begin, absl::string_view* page,
               std::string* block) {
  const size_t start = page->find(begin);
  if (start == absl::string_view::npos) return false;
  page->remove_prefix(start + begin.size());
  const size_t end = page->find("```");
  *block = std::string(page->substr(0, end));
  page->remove_prefix(end);
  return true;
}

TEST(MbPageTest, CommandsPrintWhatThePageSays) {
  const std::string text = ReadPage();
  char directory[] = "/tmp/mb_docsXXXXXX";
  ASSERT_NE(mkdtemp(directory), nullptr);
  ASSERT_EQ(chdir(directory), 0);
  std::vector<std::string> files;
  absl::string_view page = text;
  std::string block;
  while (TakeBlock("<!-- file: ", &page, &block)) {
    const std::pair<std::string, std::string> file =
        absl::StrSplit(block, absl::MaxSplits(" -->", 1));
    files.push_back(file.first);
    page.remove_prefix(3);  // To the end of "```json".
    page.remove_prefix(page.find('\n') + 1);
    std::ofstream(file.first) << page.substr(0, page.find("```"));
  }
  EXPECT_EQ(files.size(), 3u);
  page = text;
  int commands = 0;
  while (TakeBlock("```console\n$ mb ", &page, &block)) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(block, absl::MaxSplits('\n', 1));
    const MbResult result =
        testing::RunMb(absl::StrSplit(parts.first, ' ', absl::SkipEmpty()));
    EXPECT_EQ(WithoutTimes(result.out + result.err), WithoutTimes(parts.second))
        << "mb " << parts.first;
    ++commands;
  }
  EXPECT_EQ(commands, 3);
  for (const std::string& file : files) unlink(file.c_str());
  rmdir(directory);
}

TEST(MbPageTest, ThePageNamesEveryCommand) {
  const std::string text = ReadPage();
  const MbResult help = testing::RunMb({"--help"});
  int commands = 0;
  for (absl::string_view line : absl::StrSplit(help.out, '\n')) {
    std::string name;
    if (!RE2::PartialMatch(re2::StringPiece(line.data(), line.size()),
                           "^  ([a-z]+) ", &name)) {
      continue;
    }
    EXPECT_NE(text.find("mb " + name), std::string::npos) << name;
    ++commands;
  }
  EXPECT_GE(commands, 14);
}

}  // namespace
}  // namespace mb
}  // namespace multi_backend
