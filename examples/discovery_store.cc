#include "multi_backend/examples/discovery_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "multi_backend/tests/testing/etcd_server.h"
#include "multi_backend/tests/testing/knot_server.h"
#include "multi_backend/tests/testing/zookeeper_server.h"

namespace examples {
namespace {

using multi_backend::EtcdServer;
using multi_backend::KnotServer;
using multi_backend::ZookeeperServer;
using Addresses = std::vector<std::string>;

// A file, which each change replaces by a rename.
class FileStore final : public DiscoveryStore {
 public:
  explicit FileStore(std::string directory)
      : directory_(std::move(directory)), path_(directory_ + "/users.json") {}
  ~FileStore() override {
    unlink(path_.c_str());
    rmdir(directory_.c_str());
  }

  std::string target() const override { return "file://" + path_; }
  absl::Status Set(const Addresses& addresses) override {
    const auto entry = [](std::string* out, const std::string& address) {
      absl::StrAppend(out, R"({"address":")", address, "\"}");
    };
    text_ = absl::StrCat(R"({"endpoints":[)",
                         absl::StrJoin(addresses, ",", entry), "]}\n");
    return BringBack();
  }
  void TakeAway() override { unlink(path_.c_str()); }
  absl::Status BringBack() override {
    const std::string next = path_ + ".next";
    std::ofstream(next) << text_;
    if (rename(next.c_str(), path_.c_str()) == 0) return absl::OkStatus();
    return absl::InternalError("cannot write " + path_);
  }

 private:
  const std::string directory_;
  const std::string path_;
  std::string text_;
};

// A server with one entry for each address.
template <typename Server>
class ServerStore : public DiscoveryStore {
 public:
  explicit ServerStore(std::unique_ptr<Server> server)
      : server_(std::move(server)) {}

  absl::Status Set(const Addresses& addresses) override {
    const std::set<std::string> wanted(addresses.begin(), addresses.end());
    absl::Status status;
    for (const std::string& address : wanted) {
      if (present_.count(address) == 0) status.Update(Add(address));
    }
    for (const std::string& address : present_) {
      if (wanted.count(address) == 0) status.Update(Remove(address));
    }
    present_ = wanted;
    return status;
  }
  void TakeAway() override { server_->Kill(); }
  absl::Status BringBack() override { return server_->Restart(); }

 protected:
  virtual absl::Status Add(const std::string& address) = 0;
  virtual absl::Status Remove(const std::string& address) = 0;
  Server& server() { return *server_; }
  std::string server_address() const { return server_->address(); }

 private:
  const std::unique_ptr<Server> server_;
  std::set<std::string> present_;
};

class DnsStore final : public ServerStore<KnotServer> {
 public:
  using ServerStore::ServerStore;
  std::string target() const override {
    return absl::StrCat("dns+txt://", server_address(), "/users.example");
  }

 private:
  absl::Status Add(const std::string& address) override {
    return server().Update(
        {absl::StrCat("add users.example. 1 TXT \"", address, "\"")});
  }
  absl::Status Remove(const std::string& address) override {
    return server().Update(
        {absl::StrCat("delete users.example. TXT \"", address, "\"")});
  }
};

class ZookeeperStore final : public ServerStore<ZookeeperServer> {
 public:
  using ServerStore::ServerStore;
  std::string target() const override {
    return absl::StrCat("zookeeper://", server_address(), kService);
  }

 private:
  static constexpr char kService[] = "/services/users";

  absl::Status Add(const std::string& address) override {
    return server().Put({{absl::StrCat(kService, "/", address), address}});
  }
  absl::Status Remove(const std::string& address) override {
    return server().Delete({absl::StrCat(kService, "/", address)});
  }
};

constexpr char ZookeeperStore::kService[];

class EtcdStore final : public ServerStore<EtcdServer> {
 public:
  using ServerStore::ServerStore;
  std::string target() const override {
    return absl::StrCat("etcd://", server_address(), kService);
  }

 private:
  static constexpr char kService[] = "/services/users/";

  absl::Status Add(const std::string& address) override {
    return server().Put(kService + address, address);
  }
  absl::Status Remove(const std::string& address) override {
    return server().DeletePrefix(kService + address);
  }
};

constexpr char EtcdStore::kService[];

template <typename Store, typename Server>
absl::StatusOr<std::unique_ptr<DiscoveryStore>> StartServer() {
  auto server = Server::Start();
  if (!server.ok()) return server.status();
  return std::unique_ptr<DiscoveryStore>(new Store(*std::move(server)));
}

template <typename Server>
std::string HowToInstallServer() {
  return Server::Installed() ? "" : Server::kHowToInstall;
}

}  // namespace

std::string DiscoveryStore::HowToInstall(absl::string_view source) {
  if (source == "dns") return HowToInstallServer<KnotServer>();
  if (source == "zookeeper") return HowToInstallServer<ZookeeperServer>();
  if (source == "etcd") return HowToInstallServer<EtcdServer>();
  return "";
}

absl::StatusOr<std::unique_ptr<DiscoveryStore>> DiscoveryStore::Start(
    absl::string_view source) {
  if (source == "dns") return StartServer<DnsStore, KnotServer>();
  if (source == "zookeeper") {
    return StartServer<ZookeeperStore, ZookeeperServer>();
  }
  if (source == "etcd") return StartServer<EtcdStore, EtcdServer>();
  if (source != "file") {
    return absl::InvalidArgumentError(
        absl::StrCat("no source \"", source, "\""));
  }
  char directory[] = "/tmp/discoveryXXXXXX";
  if (mkdtemp(directory) == nullptr) {
    return absl::InternalError("cannot make a directory in /tmp");
  }
  return std::unique_ptr<DiscoveryStore>(new FileStore(directory));
}

}  // namespace examples
