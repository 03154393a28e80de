// MbProcess: the program mb as a child process, for tests.
//
//   MbResult result = RunMb({"validate", path});   // Until it ends.
//
//   MbProcess watch({"resolve", "--watch", target});
//   EXPECT_TRUE(watch.AwaitOutput("10.0.0.1:50051"));
//   MbResult result = watch.Interrupt();           // As by ^C.
//
// Every wait is bounded.  The child dies with this object and with this
// process.  Not thread-safe.
#ifndef MULTI_BACKEND_TOOLS_MB_TESTING_MB_PROCESS_H_
#define MULTI_BACKEND_TOOLS_MB_TESTING_MB_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace multi_backend {
namespace mb {
namespace testing {

struct MbResult {
  int exit_code = -1;  // -1: it did not end by itself.
  std::string out;
  std::string err;
};

class MbProcess {
 public:
  struct Options {
    std::string input;                     // Its standard input.
    std::vector<std::string> environment;  // "NAME=value", added.
  };

  explicit MbProcess(std::vector<std::string> arguments)
      : MbProcess(std::move(arguments), Options()) {}
  MbProcess(std::vector<std::string> arguments, Options options);
  ~MbProcess();
  MbProcess(const MbProcess&) = delete;
  MbProcess& operator=(const MbProcess&) = delete;

  // Waits until it has printed `text`; false when it has not by the time that
  // it ends, or in 30 s.
  bool AwaitOutput(absl::string_view text);
  const std::string& out() const { return result_.out; }

  // Waits for its end; kills it after 30 s.
  MbResult Wait();
  // Sends SIGINT first.
  MbResult Interrupt();

 private:
  // Reads what is there; false when both streams have ended, or at `deadline`.
  bool Read(absl::Time deadline);

  pid_t pid_ = 0;
  int out_ = -1;
  int err_ = -1;
  MbResult result_;
};

MbResult RunMb(std::vector<std::string> arguments,
               MbProcess::Options options = MbProcess::Options());

// A file of this text, which goes with the object.
class TextFile {
 public:
  // `name`: its end, "users.json".
  TextFile(absl::string_view name, absl::string_view text);
  ~TextFile();
  TextFile(const TextFile&) = delete;
  TextFile& operator=(const TextFile&) = delete;

  const std::string& path() const { return path_; }
  // Replaces it as a whole.
  void Write(absl::string_view text) const;

 private:
  std::string directory_;
  std::string path_;
};

}  // namespace testing
}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_TESTING_MB_PROCESS_H_
