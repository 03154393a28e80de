#include "multi_backend/observability/opentelemetry/sink.h"

#include <opentelemetry/common/key_value_iterable_view.h>
#include <opentelemetry/context/context.h>
#include <opentelemetry/metrics/async_instruments.h>
#include <opentelemetry/metrics/meter.h>
#include <opentelemetry/metrics/meter_provider.h>
#include <opentelemetry/metrics/observer_result.h>
#include <opentelemetry/metrics/provider.h>
#include <opentelemetry/metrics/sync_instruments.h>
#include <opentelemetry/nostd/shared_ptr.h>
#include <opentelemetry/nostd/unique_ptr.h>
#include <opentelemetry/nostd/variant.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "multi_backend/observability/build_info.h"
#include "multi_backend/observability/channel_source.h"
#include "multi_backend/observability/live_channels.h"
#include "multi_backend/observability/metrics/label_text.h"
#include "multi_backend/observability/metrics/label_values.h"
#include "multi_backend/observability/metrics/metric_table.h"
#include "multi_backend/observability/metrics/snapshot.h"
#include "multi_backend/observability/metrics/status_series.h"

namespace multi_backend {
namespace {

namespace otel = opentelemetry::metrics;
namespace nostd = opentelemetry::nostd;

using absl::string_view;

nostd::string_view View(string_view text) { return {text.data(), text.size()}; }

double Seconds(int64_t nanos) {
  return static_cast<double>(std::max<int64_t>(nanos, 0)) / 1e9;
}

std::string MethodAttribute(string_view path) {
  const MethodLabels name = MethodLabelsOf(path);
  if (name.service == kOtherLabel) return std::string(kOtherLabel);
  return LabelText(absl::StrCat(name.service, "/", name.method));
}

// gRPC's key where it has one.
std::string KeyOf(string_view label) {
  if (label == "target" || label == "status") {
    return absl::StrCat("grpc.", label);
  }
  return absl::StrCat("multi_backend.", label);
}

// The attributes of one event.
class Attributes {
 public:
  Attributes& Add(string_view label, string_view value) {
    return AddText(KeyOf(label), LabelText(value));
  }
  Attributes& AddMethod(string_view path) {
    return AddText("grpc.method", MethodAttribute(path));
  }
  Attributes& AddStatus(absl::StatusCode code) {
    return Add("status", absl::StatusCodeToString(code));
  }

  using Pairs = std::vector<
      std::pair<nostd::string_view, opentelemetry::common::AttributeValue>>;
  // Valid as long as this object.
  Pairs pairs() const {
    Pairs pairs;
    for (const auto& [key, value] : texts_) {
      pairs.emplace_back(View(key), View(value));
    }
    return pairs;
  }

 private:
  Attributes& AddText(std::string key, std::string value) {
    texts_.emplace_back(std::move(key), std::move(value));
    return *this;
  }

  std::vector<std::pair<std::string, std::string>> texts_;
};

class OpenTelemetrySink final : public MetricsSink {
 public:
  explicit OpenTelemetrySink(nostd::shared_ptr<otel::MeterProvider> provider)
      : provider_(std::move(provider)),
        meter_(provider_->GetMeter("multi_backend", kLibraryVersion)),
        attempt_duration_(Histogram(Metric::kAttemptDuration)),
        call_duration_(Histogram(Metric::kCallDuration)),
        waited_(Histogram(Metric::kWaited)),
        retries_(Counter(Metric::kRetries)),
        ejections_(Counter(Metric::kEjections)),
        transitions_(Counter(Metric::kTransitions)) {
    for (Metric metric :
         {Metric::kBackendState, Metric::kInFlight, Metric::kEffectiveWeight,
          Metric::kConnections, Metric::kBacklogCalls, Metric::kPanic,
          Metric::kProbes, Metric::kResolverUpdates,
          Metric::kResolverLastSuccess, Metric::kResolverEndpoints,
          Metric::kRouteMatches}) {
      observed_.push_back(std::make_unique<Observed>(this, metric));
    }
  }

  void OnAttemptEnded(const AttemptEnded& attempt) override {
    Attributes attributes;
    attributes.Add("target", attempt.target.text)
        .AddMethod(attempt.method.text)
        .Add("backend", attempt.backend.text)
        .Add("role", attempt.role.text)
        .AddStatus(attempt.status);
    Record(*attempt_duration_, attempt.latency_nanos, attributes);
    if (const auto outcome = RetryOutcomeOf(attempt); outcome.has_value()) {
      CountRetry(attempt.target, attempt.method, *outcome);
    }
  }

  void OnCallEnded(const CallEnded& call) override {
    Attributes attributes;
    attributes.Add("target", call.target.text)
        .AddMethod(call.method.text)
        .AddStatus(call.status)
        .Add("route", call.route.text);
    Record(*call_duration_, call.latency_nanos, attributes);
    RecordWait(call.target, WaitedIn::kPick, call.waited_in_pick_nanos);
    RecordWait(call.target, WaitedIn::kBacklog, call.waited_in_backlog_nanos);
    if (const auto outcome = RetryOutcomeOf(call); outcome.has_value()) {
      CountRetry(call.target, call.method, *outcome);
    }
  }

  void OnStateChanged(const StateChanged& change) override {
    if (change.kind != StateChanged::Kind::kBackend) return;
    Attributes attributes;
    attributes.Add("target", change.target.text)
        .Add("backend", change.backend.text);
    if (change.ejection != Ejection::kNone) {
      Attributes ejection = attributes;
      ejection.Add("reason", NameOf(change.ejection));
      Count(*ejections_, ejection);
    }
    attributes.Add("to", change.to);
    Count(*transitions_, attributes);
  }

  void OnChannel(const std::weak_ptr<ChannelSource>& channel) override {
    channels_.Add(channel);
  }

 private:
  using HistogramPtr = nostd::unique_ptr<otel::Histogram<double>>;
  using CounterPtr = nostd::unique_ptr<otel::Counter<uint64_t>>;

  // An instrument that the SDK asks when it collects.
  class Observed {
   public:
    Observed(OpenTelemetrySink* sink, Metric metric)
        : sink_(*sink), metric_(metric) {
      const MetricSpec& spec = SpecOf(metric);
      const std::string name = spec.DottedName();
      instrument_ = spec.kind == MetricKind::kCounter
                        ? sink_.meter_->CreateDoubleObservableCounter(
                              name, View(spec.help), View(spec.unit))
                        : sink_.meter_->CreateDoubleObservableGauge(
                              name, View(spec.help), View(spec.unit));
      instrument_->AddCallback(&Observe, this);
    }
    // The SDK runs no callback any more when this has returned.
    ~Observed() { instrument_->RemoveCallback(&Observe, this); }

   private:
    static void Observe(otel::ObserverResult result, void* self) {
      using Result = nostd::shared_ptr<otel::ObserverResultT<double>>;
      const auto& observed = *static_cast<const Observed*>(self);
      const MetricSpec& spec = SpecOf(observed.metric_);
      const MetricsSnapshot snapshot = observed.sink_.Status();
      for (const SeriesValue& series : snapshot[observed.metric_].series) {
        Attributes attributes;
        for (size_t i = 0; i < spec.labels.size(); ++i) {
          attributes.Add(spec.labels[i], (*series.labels)[i]);
        }
        const Attributes::Pairs pairs = attributes.pairs();
        nostd::get<Result>(result)->Observe(
            series.value,
            opentelemetry::common::KeyValueIterableView<Attributes::Pairs>(
                pairs));
      }
    }

    OpenTelemetrySink& sink_;
    const Metric metric_;
    nostd::shared_ptr<otel::ObservableInstrument> instrument_;
  };

  HistogramPtr Histogram(Metric metric) {
    const MetricSpec& spec = SpecOf(metric);
    return meter_->CreateDoubleHistogram(spec.DottedName(), View(spec.help),
                                         View(spec.unit));
  }
  CounterPtr Counter(Metric metric) {
    const MetricSpec& spec = SpecOf(metric);
    return meter_->CreateUInt64Counter(spec.DottedName(), View(spec.help),
                                       View(spec.unit));
  }

  static void Record(otel::Histogram<double>& histogram, int64_t nanos,
                     const Attributes& attributes) {
    const Attributes::Pairs pairs = attributes.pairs();
    histogram.Record(
        Seconds(nanos),
        opentelemetry::common::KeyValueIterableView<Attributes::Pairs>(pairs),
        opentelemetry::context::Context());
  }
  static void Count(otel::Counter<uint64_t>& counter,
                    const Attributes& attributes) {
    const Attributes::Pairs pairs = attributes.pairs();
    counter.Add(
        1,
        opentelemetry::common::KeyValueIterableView<Attributes::Pairs>(pairs));
  }

  void CountRetry(const Label& target, const Label& method,
                  RetryOutcome outcome) {
    Attributes attributes;
    attributes.Add("target", target.text)
        .AddMethod(method.text)
        .Add("outcome", NameOf(outcome));
    Count(*retries_, attributes);
  }

  void RecordWait(const Label& target, WaitedIn where, int64_t nanos) {
    if (nanos <= 0) return;
    Attributes attributes;
    attributes.Add("target", target.text).Add("where", NameOf(where));
    Record(*waited_, nanos, attributes);
  }

  MetricsSnapshot Status() {
    MetricsSnapshot snapshot;
    AddStatusSeries(ReadingsOf(channels_), std::numeric_limits<size_t>::max(),
                    &snapshot);
    return snapshot;
  }

  const nostd::shared_ptr<otel::MeterProvider> provider_;
  const nostd::shared_ptr<otel::Meter> meter_;
  const HistogramPtr attempt_duration_;
  const HistogramPtr call_duration_;
  const HistogramPtr waited_;
  const CounterPtr retries_;
  const CounterPtr ejections_;
  const CounterPtr transitions_;

  LiveChannels channels_;

  // Last, because their callbacks use the rest.
  std::vector<std::unique_ptr<Observed>> observed_;
};

}  // namespace

std::shared_ptr<MetricsSink> MakeOpenTelemetrySink() {
  return std::make_shared<OpenTelemetrySink>(
      otel::Provider::GetMeterProvider());
}

}  // namespace multi_backend
