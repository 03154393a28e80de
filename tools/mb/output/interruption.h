// Interruption: waits for news or for the user's ^C, whichever comes first.
//
//   Interruption& interruption = Interruption::Install();
//   source->Watch([&](…) { …; interruption.Wake(); });
//   while (!interruption.happened()) {
//     … print the news …
//     interruption.Wait(absl::Seconds(1));
//   }
#ifndef MULTI_BACKEND_TOOLS_MB_OUTPUT_INTERRUPTION_H_
#define MULTI_BACKEND_TOOLS_MB_OUTPUT_INTERRUPTION_H_

#include "absl/time/time.h"

namespace multi_backend {
namespace mb {

class Interruption {
 public:
  // From now on SIGINT and SIGTERM end Wait() instead of the process; the
  // second one ends the process after all.  There is one in the process, which
  // is never destroyed.  Idempotent; not thread-safe.
  static Interruption& Install();

  // Whether SIGINT or SIGTERM has come.  Thread-safe.
  bool happened() const;
  // Makes the present Wait(), or else the next one, return.  Thread-safe.
  void Wake();
  // Returns after `longest`, after Wake() or when it has happened.  One thread
  // at a time.
  void Wait(absl::Duration longest);

 private:
  Interruption();

  const int event_;
};

}  // namespace mb
}  // namespace multi_backend

#endif  // MULTI_BACKEND_TOOLS_MB_OUTPUT_INTERRUPTION_H_
