#include "multi_backend/tests/testing/prometheus_server.h"

#include <curl/curl.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>
#include <poll.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace multi_backend {
namespace {

constexpr char kServer[] = "/usr/bin/prometheus";
constexpr std::chrono::seconds kPatience(60);

using google::protobuf::Struct;
using google::protobuf::Value;

const Value& Field(const Struct& object, absl::string_view name) {
  static const Value* const missing = new Value;
  const auto found = object.fields().find(std::string(name));
  return found == object.fields().end() ? *missing : found->second;
}

size_t AppendTo(char* data, size_t size, size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

std::string UrlEncoded(absl::string_view text) {
  // libcurl 7.82 and newer needs no handle for this.
  const std::unique_ptr<char, void (*)(void*)> encoded(
      curl_easy_escape(nullptr, text.data(), static_cast<int>(text.size())),
      curl_free);
  return encoded.get();
}

}  // namespace

constexpr char PrometheusServer::kHowToInstall[];

bool PrometheusServer::Installed() {
  return access(kServer, X_OK) == 0 && StoreProcess::CanLaunch();
}

absl::StatusOr<std::unique_ptr<PrometheusServer>> PrometheusServer::Start(
    absl::string_view scraped_address) {
  absl::Status status;
  for (int attempt = 0; attempt < StoreProcess::kAttempts; ++attempt) {
    auto process = StoreProcess::Make("prometheus");
    if (!process.ok()) return process.status();
    std::unique_ptr<PrometheusServer> server(
        new PrometheusServer(*std::move(process)));
    status = server->Launch(scraped_address);
    if (status.ok()) return server;
  }
  return status;
}

absl::Status PrometheusServer::Launch(absl::string_view scraped_address) {
  const std::string config = process_->directory() + "/prometheus.yml";
  std::ofstream(config) << "global:\n"
                           "  scrape_interval: 250ms\n"
                           "  scrape_timeout: 250ms\n"
                           "scrape_configs:\n"
                           "  - job_name: test\n"
                           "    static_configs:\n"
                           "      - targets: ['"
                        << scraped_address << "']\n";
  const absl::Status launched = process_->Launch(
      {kServer, "--config.file=" + config,
       absl::StrCat("--storage.tsdb.path=", process_->directory(), "/data"),
       "--web.listen-address=" + process_->address(), "--log.level=warn"});
  if (!launched.ok()) return launched;
  const auto end = std::chrono::steady_clock::now() + kPatience;
  absl::Status status = absl::DeadlineExceededError("no answer");
  while (std::chrono::steady_clock::now() < end) {
    status = Get("/-/ready").status();
    if (status.ok()) return status;
    if (process_->HasEnded()) break;
    poll(nullptr, 0, 20);
  }
  return absl::UnavailableError(absl::StrCat(
      "Prometheus does not start: ", status.message(), "; ", process_->log()));
}

absl::StatusOr<std::string> PrometheusServer::Get(
    absl::string_view path_and_query) {
  const std::string url =
      absl::StrCat("http://", process_->address(), path_and_query);
  std::string body;
  const std::unique_ptr<CURL, void (*)(CURL*)> curl(curl_easy_init(),
                                                    curl_easy_cleanup);
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, long{kPatience.count()});
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, AppendTo);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  const CURLcode result = curl_easy_perform(curl.get());
  if (result != CURLE_OK) {
    return absl::UnavailableError(curl_easy_strerror(result));
  }
  long code = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &code);
  if (code != 200) {
    return absl::UnavailableError(absl::StrCat("HTTP ", code, ": ", body));
  }
  return body;
}

absl::StatusOr<PrometheusServer::Samples> PrometheusServer::Query(
    absl::string_view expression) {
  auto body = Get(absl::StrCat("/api/v1/query?query=", UrlEncoded(expression)));
  if (!body.ok()) return body.status();
  Struct answer;
  const auto parsed =
      google::protobuf::util::JsonStringToMessage(*body, &answer);
  if (!parsed.ok()) return absl::InternalError(*body);
  const Struct& data = Field(answer, "data").struct_value();
  if (Field(data, "resultType").string_value() != "vector") {
    return absl::InvalidArgumentError(*body);
  }
  Samples samples;
  for (const Value& result : Field(data, "result").list_value().values()) {
    Sample& sample = samples.emplace_back();
    for (const auto& label :
         Field(result.struct_value(), "metric").struct_value().fields()) {
      sample.labels[label.first] = label.second.string_value();
    }
    // [time, "value"]
    const auto& pair = Field(result.struct_value(), "value").list_value();
    if (pair.values_size() != 2 ||
        !absl::SimpleAtod(pair.values(1).string_value(), &sample.value)) {
      return absl::InternalError(*body);
    }
  }
  return samples;
}

absl::StatusOr<PrometheusServer::Samples> PrometheusServer::Await(
    absl::string_view expression,
    absl::FunctionRef<bool(const Samples&)> enough) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  absl::StatusOr<Samples> samples;
  do {
    samples = Query(expression);
    if (!samples.ok() || enough(*samples)) return samples;
    poll(nullptr, 0, 50);
  } while (std::chrono::steady_clock::now() < end);
  std::string last;
  for (const Sample& sample : *samples) {
    absl::StrAppend(&last, " {");
    for (const auto& label : sample.labels) {
      absl::StrAppend(&last, label.first, "=", label.second, " ");
    }
    absl::StrAppend(&last, "} ", sample.value, ";");
  }
  return absl::DeadlineExceededError(absl::StrCat(
      expression, " was to the end:", last, "\n", process_->log()));
}

}  // namespace multi_backend
