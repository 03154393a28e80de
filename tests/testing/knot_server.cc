#include "multi_backend/tests/testing/knot_server.h"

#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

constexpr char kServer[] = "/usr/sbin/knotd";
constexpr char kUpdater[] = "/usr/bin/knsupdate";
constexpr std::chrono::seconds kPatience(20);

}  // namespace

constexpr char KnotServer::kHowToInstall[];

bool KnotServer::Installed() {
  return access(kServer, X_OK) == 0 && access(kUpdater, X_OK) == 0 &&
         StoreProcess::CanLaunch();
}

absl::StatusOr<std::unique_ptr<KnotServer>> KnotServer::Start() {
  absl::Status status;
  for (int attempt = 0; attempt < StoreProcess::kAttempts; ++attempt) {
    auto process = StoreProcess::Make("knot");
    if (!process.ok()) return process.status();
    std::unique_ptr<KnotServer> server(new KnotServer(*std::move(process)));
    status = server->WriteFiles();
    if (status.ok()) status = server->Launch();
    if (status.ok()) return server;
  }
  return status;
}

absl::Status KnotServer::WriteFiles() const {
  std::ofstream(process_->directory() + "/knot.conf")
      << "server:\n  rundir: " << process_->directory()
      << "\n  listen: 127.0.0.1@" << process_->port()
      << "\n  udp-workers: 1\n  tcp-workers: 1\n  background-workers: 1\n"
         "log:\n  - target: stderr\n    any: info\n"
         "database:\n  storage: "
      << process_->directory()
      << "\n  journal-db-max-size: 10M\n"
         "acl:\n  - id: update\n    address: 127.0.0.1\n    action: update\n"
         "template:\n  - id: default\n    storage: "
      << process_->directory()
      << "\n    semantic-checks: off\n    zonefile-sync: -1\n"
         "zone:\n  - domain: example\n    file: example.zone\n"
         "    acl: update\n";
  std::ofstream zone(process_->directory() + "/example.zone");
  zone << "example. 3600 SOA ns.example. admin.example. 1 3600 600 86400 1\n"
          "example. 3600 NS ns.example.\n"
          "ns.example. 3600 A 127.0.0.1\n";
  zone.close();
  return zone ? absl::OkStatus() : absl::InternalError("cannot write a zone");
}

absl::Status KnotServer::Launch() {
  const absl::Status launched =
      process_->Launch({kServer, "-c", process_->directory() + "/knot.conf"});
  if (!launched.ok()) return launched;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end) {
    const std::string text = process_->log();
    // knotd keeps running when it cannot bind.
    if (absl::StrContains(text, "cannot bind")) break;
    if (absl::StrContains(text, "server started")) return absl::OkStatus();
    if (process_->HasEnded()) break;
    poll(nullptr, 0, 10);
  }
  Kill();
  return absl::UnavailableError(
      absl::StrCat("knotd does not start: ", process_->log()));
}

absl::Status KnotServer::Update(const std::vector<std::string>& changes) {
  const std::string script = process_->directory() + "/update";
  std::ofstream file(script);
  file << "server 127.0.0.1 " << process_->port() << "\nzone example.\n";
  for (const std::string& change : changes) file << "update " << change << "\n";
  file << "send\nquit\n";
  file.close();
  // Uses TCP, so that updates may have any size.
  const int result =
      system(absl::StrCat(kUpdater, " -v ", script, " > ", script, ".log 2>&1")
                 .c_str());
  const std::string output = ReadWholeFile(script + ".log");
  // knsupdate prints what failed, but does not always set its exit code.
  if (result == 0 && output.empty()) return absl::OkStatus();
  return absl::InternalError(absl::StrCat("knsupdate: ", output));
}

absl::Status KnotServer::Restart() {
  Kill();
  return Launch();
}

}  // namespace multi_backend
