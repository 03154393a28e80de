#include "multi_backend/tests/testing/hostilities.h"

#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace multi_backend {
namespace {

using http2::BigEndian;
using http2::Data;
using http2::FrameOf;
using http2::GoAway;
using http2::GrpcMessage;
using http2::HeaderList;
using http2::Headers;
using http2::HpackBlock;
using http2::kEndHeaders;
using http2::kEndStream;
using http2::Ping;
using http2::RstStream;
using http2::Settings;
using http2::WindowUpdate;
using After = Hostility::After;

constexpr uint8_t kLast = kEndHeaders | kEndStream;
// Error codes, RFC 9113, section 7.
constexpr uint32_t kLastErrorCode = 0xd;
constexpr uint32_t kRefusedStream = 0x7;
// Identifiers of settings.
constexpr uint16_t kHeaderTableSize = 1;
constexpr uint16_t kEnablePush = 2;
constexpr uint16_t kMaxConcurrentStreams = 3;
constexpr uint16_t kInitialWindowSize = 4;
constexpr uint16_t kMaxFrameSize = 5;
constexpr uint16_t kMaxHeaderListSize = 6;

const HeaderList& Ok() {
  static const auto* const headers =
      new HeaderList{{":status", "200"}, {"content-type", "application/grpc"}};
  return *headers;
}

HeaderList OkAnd(HeaderList more) {
  HeaderList all = Ok();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

// A whole good answer: an empty message and status OK.
std::string Good(uint32_t stream) {
  return absl::StrCat(Headers(stream, Ok()), Data(stream, GrpcMessage("")),
                      Headers(stream, {{"grpc-status", "0"}}, kLast));
}

class Table {
 public:
  void Answers(std::string name, std::function<std::string(uint32_t)> answer,
               After after = After::kStay) {
    Hostility row;
    row.name = std::move(name);
    row.answer = std::move(answer);
    row.after = after;
    rows_.push_back(std::move(row));
  }
  // The answer is a single HEADERS frame with END_STREAM.
  void Trailers(std::string name, HeaderList headers) {
    Answers(std::move(name), [headers](uint32_t stream) {
      return Headers(stream, headers, kLast);
    });
  }
  // A good answer with these trailers.
  void GoodWithTrailers(std::string name, HeaderList trailers) {
    Answers(std::move(name), [trailers](uint32_t stream) {
      return absl::StrCat(Headers(stream, Ok()), Data(stream, GrpcMessage("")),
                          Headers(stream, trailers, kLast));
    });
  }
  // The answers are good.
  void Greets(std::string name, std::string greeting) {
    Answers(std::move(name), Good);
    rows_.back().greeting = std::move(greeting);
  }
  void GreetsAndEnds(std::string name, std::string greeting,
                     After after = After::kClose) {
    Greets(std::move(name), std::move(greeting));
    rows_.back().hangs_up = true;
    rows_.back().after = after;
  }
  void AnswersEarly(std::string name,
                    std::function<std::string(uint32_t)> answer,
                    After after = After::kStay) {
    Answers(std::move(name), std::move(answer), after);
    rows_.back().answers_early = true;
  }
  std::vector<Hostility> Take() { return std::move(rows_); }

 private:
  std::vector<Hostility> rows_;
};

void AddStatuses(Table& table) {
  table.Trailers("TrailersOnlyWithoutStatus", Ok());
  table.Trailers("TrailersOnlyEmpty", {});
  table.Trailers("TrailersOnlyStatusFirst",
                 {{"grpc-status", "14"}, {":status", "200"}});
  table.Trailers("TrailersOnlyWithoutHttpStatus", {{"grpc-status", "14"}});
  table.Trailers("TrailersOnlyOk", OkAnd({{"grpc-status", "0"}}));
  table.Trailers("TrailersOnlyUnavailable", OkAnd({{"grpc-status", "14"}}));
  table.Trailers("StatusNoNumber", OkAnd({{"grpc-status", "fourteen"}}));
  table.Trailers("StatusEmpty", OkAnd({{"grpc-status", ""}}));
  table.Trailers("StatusNegative", OkAnd({{"grpc-status", "-1"}}));
  table.Trailers("StatusSeventeen", OkAnd({{"grpc-status", "17"}}));
#ifndef __SANITIZE_ADDRESS__
  // gRPC's headers load these into an enum that has no room for them, where the
  // sanitizer for undefined behaviour, which runs with this one, ends a probe.
  // The lowest five bits are those of UNAVAILABLE.
  table.Trailers("StatusFortySix", OkAnd({{"grpc-status", "46"}}));
  table.Trailers("StatusHuge", OkAnd({{"grpc-status", "2147483647"}}));
#endif
  table.Trailers("StatusOverflow",
                 OkAnd({{"grpc-status", "99999999999999999999"}}));
  table.Trailers("StatusTwice",
                 OkAnd({{"grpc-status", "14"}, {"grpc-status", "0"}}));
  table.Trailers("MessageBadlyEncoded",
                 OkAnd({{"grpc-status", "14"}, {"grpc-message", "%%%zz%"}}));
  table.Trailers("MessageBinary", OkAnd({{"grpc-status", "14"},
                                         {"grpc-message", "\x01\xff\x80"}}));
  table.Trailers(
      "PushbackNoNumber",
      OkAnd({{"grpc-status", "14"}, {"grpc-retry-pushback-ms", "soon"}}));
  table.Trailers("PushbackNegative", OkAnd({{"grpc-status", "14"},
                                            {"grpc-retry-pushback-ms", "-9"}}));
  table.Trailers("PushbackHuge",
                 OkAnd({{"grpc-status", "14"},
                        {"grpc-retry-pushback-ms", "9223372036854775807"}}));
  table.Trailers("PushbackTwice", OkAnd({{"grpc-status", "14"},
                                         {"grpc-retry-pushback-ms", "0"},
                                         {"grpc-retry-pushback-ms", "0"}}));
  table.Trailers("KeysOfCoreItself",
                 OkAnd({{"grpc-status", "14"},
                        {"grpclb_client_stats", "x"},
                        {"lb-cost-bin", "x"},
                        {"lb-token", "x"},
                        {"endpoint-load-metrics-bin", "x"},
                        {"grpc-previous-rpc-attempts", "-3"},
                        {"grpc-timeout", "1Q"},
                        {"grpc-encoding", "nonsense"},
                        {"te", "nonsense"},
                        {":path", "/"},
                        {":method", "BREW"},
                        {":scheme", "gopher"},
                        {"mb-call-bin", "x"}}));
  table.GoodWithTrailers("EndWithoutStatus", {});
  table.GoodWithTrailers("EndStatusNoNumber", {{"grpc-status", "x"}});
  table.GoodWithTrailers("EndHttpStatus",
                         {{":status", "503"}, {"grpc-status", "0"}});
  table.Answers("DataEndsTheStream", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()),
                        Data(stream, GrpcMessage(""), kEndStream));
  });
  table.Answers("EmptyDataEndsTheStream", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), Data(stream, "", kEndStream));
  });
  table.Answers("StatusInHeadersOnly", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, OkAnd({{"grpc-status", "14"}})),
                        Data(stream, "", kEndStream));
  });
}

void AddHttp(Table& table) {
  for (const char* status :
       {"100", "103", "199", "204", "301", "400", "404", "429", "500", "502",
        "503", "504", "999", "0", "abc", "", "-200", "18446744073709551816"}) {
    const std::string name =
        absl::StrCat("Http", status[0] == '-' ? "Minus200" : status);
    const HeaderList headers = {{":status", status}};
    table.Trailers(absl::StrCat(name, "End"), headers);
    table.Answers(absl::StrCat(name, "Body"), [headers](uint32_t stream) {
      return absl::StrCat(Headers(stream, headers), Data(stream, "body"),
                          Headers(stream, {}, kLast));
    });
  }
  table.Answers("HtmlPage", [](uint32_t stream) {
    return absl::StrCat(
        Headers(stream, {{":status", "200"}, {"content-type", "text/html"}}),
        Data(stream, "<html>It works!</html>", kEndStream));
  });
  const HeaderList types = {{"Empty", ""},
                            {"Web", "application/grpc-web"},
                            {"Json", "application/grpc+json"},
                            {"Charset", "application/grpc;charset=x"},
                            {"Binary", "\xff"}};
  for (const auto& type : types) {
    table.Answers(
        absl::StrCat("ContentType", type.first),
        [value = type.second](uint32_t stream) {
          return absl::StrCat(
              Headers(stream, {{":status", "200"}, {"content-type", value}}),
              Data(stream, GrpcMessage("")),
              Headers(stream, {{"grpc-status", "0"}}, kLast));
        });
  }
  table.Answers("Informational", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, {{":status", "103"}}),
                        Headers(stream, {{":status", "100"}}), Good(stream));
  });
  table.Answers("HeadersTwice", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), Good(stream));
  });
  table.Answers("TrailersTwice", [](uint32_t stream) {
    return absl::StrCat(Good(stream),
                        Headers(stream, {{"grpc-status", "13"}}, kLast));
  });
  table.Answers("TrailersThatDoNotEnd", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), Data(stream, GrpcMessage("")),
                        Headers(stream, {{"grpc-status", "0"}}));
  });
  table.Answers("UpperCaseHeader", [](uint32_t stream) {
    return Headers(stream, OkAnd({{"X-Upper", "x"}, {"grpc-status", "14"}}),
                   kLast);
  });
  table.Answers("ControlCharacters", [](uint32_t stream) {
    return Headers(stream,
                   OkAnd({{"x-crlf", "a\r\nb"},
                          {std::string("x-\0nul", 6), std::string("\0", 1)},
                          {"", "empty"},
                          {"grpc-status", "14"}}),
                   kLast);
  });
  table.Answers("BinaryHeaderNoBase64", [](uint32_t stream) {
    return Headers(stream, OkAnd({{"x-bin", "!!!"}, {"grpc-status", "14"}}),
                   kLast);
  });
}

void AddHeaderBlocks(Table& table) {
  table.Answers("HpackBadIndex", [](uint32_t stream) {
    return FrameOf(http2::kHeaders, kEndHeaders, stream, "\xfe");
  });
  table.Answers("HpackIndexZero", [](uint32_t stream) {
    return FrameOf(http2::kHeaders, kLast, stream, "\x80");
  });
  table.Answers("HpackHugeLength", [](uint32_t stream) {
    return FrameOf(
        http2::kHeaders, kLast, stream,
        absl::StrCat(std::string(1, '\0'), "\x7f\xff\xff\xff\xff\xff\xff"));
  });
  table.Answers("HpackCutOff", [](uint32_t stream) {
    const std::string block = HpackBlock(Ok());
    return FrameOf(http2::kHeaders, kLast, stream,
                   block.substr(0, block.size() - 3));
  });
  table.Answers("HpackBadHuffman", [](uint32_t stream) {
    return FrameOf(
        http2::kHeaders, kLast, stream,
        absl::StrCat(std::string(1, '\0'), "\x84\xff\xff\xff\xff", "\x01x"));
  });
  table.Answers("HpackTableSizeTooLarge", [](uint32_t stream) {
    return FrameOf(http2::kHeaders, kLast, stream, "\x3f\xff\xff\xff\x7f");
  });
  table.Answers("HpackManyTableSizes", [](uint32_t stream) {
    return FrameOf(http2::kHeaders, kLast, stream,
                   absl::StrCat(std::string(50, '\x20'), HpackBlock(Ok())));
  });
  table.Answers("TrailersBadHpack", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), Data(stream, GrpcMessage("")),
                        FrameOf(http2::kHeaders, kLast, stream, "\xfe"));
  });
  table.Answers("HugeHeader", [](uint32_t stream) {
    return Headers(
        stream,
        OkAnd({{"x-huge", std::string(12000, 'x')}, {"grpc-status", "14"}}),
        kLast);
  });
  table.Answers("HugeTrailers", [](uint32_t stream) {
    return absl::StrCat(
        Headers(stream, Ok()), Data(stream, GrpcMessage("")),
        Headers(stream,
                {{"x-huge", std::string(12000, 'x')}, {"grpc-status", "0"}},
                kLast));
  });
  table.Answers("ManyHeaders", [](uint32_t stream) {
    HeaderList headers = OkAnd({{"grpc-status", "14"}});
    for (int i = 0; i < 1000; ++i) headers.emplace_back("x", "y");
    return Headers(stream, headers, kLast);
  });
  table.Answers("EndlessHeaders", [](uint32_t stream) {
    std::string out = Headers(stream, Ok(), 0);
    const std::string block = HpackBlock({{"x", std::string(8000, 'y')}});
    for (int i = 0; i < 50; ++i) {
      absl::StrAppend(&out, FrameOf(http2::kContinuation, 0, stream, block));
    }
    return out;
  });
  table.Answers("ContinuationGood", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok(), kEndStream),
                        FrameOf(http2::kContinuation, kEndHeaders, stream,
                                HpackBlock({{"grpc-status", "14"}})));
  });
  table.Answers("ContinuationWithoutStatus", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok(), kEndStream),
                        FrameOf(http2::kContinuation, kEndHeaders, stream, ""));
  });
  table.Answers("ContinuationBrokenOff", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok(), kEndStream),
                        Data(stream, GrpcMessage("")));
  });
  table.Answers(
      "ContinuationNeverComes",
      [](uint32_t stream) { return Headers(stream, Ok(), kEndStream); },
      After::kClose);
  table.Answers("ContinuationOfAnotherStream", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok(), 0),
                        FrameOf(http2::kContinuation, kEndHeaders, stream + 2,
                                HpackBlock({{"grpc-status", "14"}})));
  });
  table.Answers("ContinuationAlone", [](uint32_t stream) {
    return FrameOf(http2::kContinuation, kLast, stream, HpackBlock(Ok()));
  });
  table.Answers("PaddedHeaders", [](uint32_t stream) {
    return FrameOf(
        http2::kHeaders, kLast | http2::kPadded, stream,
        absl::StrCat("\xff", HpackBlock(OkAnd({{"grpc-status", "14"}}))));
  });
}

void AddData(Table& table) {
  const auto with_data = [](absl::string_view payload) {
    return [payload = std::string(payload)](uint32_t stream) {
      return absl::StrCat(Headers(stream, Ok()), Data(stream, payload),
                          Headers(stream, {{"grpc-status", "0"}}, kLast));
    };
  };
  table.Answers("DataBeforeHeaders", [](uint32_t stream) {
    return absl::StrCat(Data(stream, GrpcMessage("")), Good(stream));
  });
  table.Answers("DataOnly", [](uint32_t stream) {
    return Data(stream, GrpcMessage(""), kEndStream);
  });
  table.Answers("LengthCutOff", with_data(std::string(3, '\0')));
  table.Answers("LengthTooLong",
                with_data(std::string(1, '\0') + BigEndian(1000, 4) + "x"));
  table.Answers("LengthHuge", with_data(std::string(1, '\0') +
                                        BigEndian(0xffffffff, 4) + "x"));
  table.Answers("LengthTooShort", with_data(std::string(1, '\0') +
                                            BigEndian(1, 4) + "many bytes"));
  table.Answers("CompressedWithoutEncoding",
                with_data(GrpcMessage("not compressed", 1)));
  table.Answers("FlagUnknown", with_data(GrpcMessage("", '\x7e')));
  table.Answers("NotAMessage", with_data(GrpcMessage("\xff\xff\xff\xff")));
  table.Answers("TwoMessages", with_data(GrpcMessage("") + GrpcMessage("")));
  table.Answers("NoMessage", with_data(""));
  for (const char* encoding : {"gzip", "deflate", "identity", "nonsense"}) {
    table.Answers(absl::StrCat("BadlyCompressed_", encoding),
                  [encoding = std::string(encoding)](uint32_t stream) {
                    return absl::StrCat(
                        Headers(stream, OkAnd({{"grpc-encoding", encoding}})),
                        Data(stream, GrpcMessage("not compressed", 1)),
                        Headers(stream, {{"grpc-status", "0"}}, kLast));
                  });
  }
  table.Answers("LargerThanTheClientTakes", [](uint32_t stream) {
    return absl::StrCat(
        Headers(stream, Ok()),
        Data(stream, std::string(1, '\0') + BigEndian(64 << 20, 4) + "begin"));
  });
  table.Answers("DataAfterTheEnd", [](uint32_t stream) {
    return absl::StrCat(Good(stream), Data(stream, "more", kEndStream));
  });
  table.Answers("DataForAnotherStream", [](uint32_t stream) {
    return absl::StrCat(Data(stream + 2, "x"), Data(0, "x"), Data(2, "x"),
                        Good(stream));
  });
  table.Answers("MoreThanTheWindow", [](uint32_t stream) {
    std::string out = Headers(stream, Ok());
    const std::string chunk(16384, 'x');
    absl::StrAppend(&out,
                    Data(stream, std::string(1, '\0') + BigEndian(1 << 24, 4)));
    for (int i = 0; i < 64; ++i) absl::StrAppend(&out, Data(stream, chunk));
    return out;
  });
  table.Answers("FrameTooLarge", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), BigEndian(0xffffff, 3),
                        BigEndian(http2::kData, 1), BigEndian(0, 1),
                        BigEndian(stream, 4), "x");
  });
  table.Answers("NeverEnds", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), Data(stream, GrpcMessage("")));
  });
  table.Answers("HeadersOnly",
                [](uint32_t stream) { return Headers(stream, Ok()); });
}

void AddStreams(Table& table) {
  for (uint32_t code = 0; code <= kLastErrorCode + 1; ++code) {
    table.Answers(absl::StrCat("Reset", code),
                  [code](uint32_t stream) { return RstStream(stream, code); });
    table.Answers(
        absl::StrCat("HeadersAndReset", code), [code](uint32_t stream) {
          return absl::StrCat(Headers(stream, Ok()), RstStream(stream, code));
        });
  }
  table.AnswersEarly("ResetEarly", [](uint32_t stream) {
    return RstStream(stream, kRefusedStream);
  });
  table.AnswersEarly("AnswerEarly", Good);
  table.AnswersEarly("NoStatusEarly", [](uint32_t stream) {
    return Headers(stream, Ok(), kLast);
  });
  table.Answers("ResetAfterTheEnd", [](uint32_t stream) {
    return absl::StrCat(Good(stream), RstStream(stream, 8));
  });
  table.Answers("ResetOfNoStream", [](uint32_t stream) {
    return absl::StrCat(RstStream(0, 1), RstStream(stream + 100, 1),
                        Good(stream));
  });
  table.Answers("ResetTooShort", [](uint32_t stream) {
    return FrameOf(http2::kRstStream, 0, stream, "x");
  });
  table.Answers("GoAwayAndNothing",
                [](uint32_t stream) { return GoAway(stream, 0); });
  table.Answers("GoAwayInTheMiddle", [](uint32_t stream) {
    return absl::StrCat(Headers(stream, Ok()), GoAway(stream, 0),
                        Data(stream, GrpcMessage("")),
                        Headers(stream, {{"grpc-status", "0"}}, kLast));
  });
  table.Answers("GoAwayNotSeen",
                [](uint32_t) { return GoAway(0, 0, "not seen"); });
  table.Answers("GoAwayEnhanceYourCalm",
                [](uint32_t) { return GoAway(0, 0xb, "too_many_pings"); });
  table.Answers("GoAwayHuge", [](uint32_t stream) {
    return GoAway(stream, 2, std::string(10000, 'x'));
  });
  table.Answers("GoAwayTooShort",
                [](uint32_t) { return FrameOf(http2::kGoAway, 0, 0, "x"); });
  table.Answers("GoAwayTwice", [](uint32_t stream) {
    return absl::StrCat(GoAway(0x7fffffff, 0), GoAway(stream, 0),
                        GoAway(0x7fffffff, 0), Good(stream));
  });
  table.Answers("PushPromise", [](uint32_t stream) {
    return absl::StrCat(
        FrameOf(http2::kPushPromise, kEndHeaders, stream,
                absl::StrCat(BigEndian(2, 4), HpackBlock({{":path", "/x"}}))),
        Headers(2, Ok(), kLast), Good(stream));
  });
  table.Answers("StreamOfTheServer", [](uint32_t stream) {
    return absl::StrCat(Headers(2, Ok()), Headers(stream + 100, Ok(), kLast),
                        Headers(0, Ok(), kLast), Good(stream));
  });
  table.Answers("PriorityAndUnknownFrames", [](uint32_t stream) {
    return absl::StrCat(FrameOf(http2::kPriority, 0, stream, "12345"),
                        FrameOf(0x42, 0xff, stream, "unknown"), Good(stream));
  });
  table.Answers("NeverAnswers", nullptr);
  table.Answers(
      "ClosesOnRequest", [](uint32_t) { return std::string(); }, After::kClose);
  table.Answers(
      "ResetsOnRequest", [](uint32_t) { return std::string(); }, After::kReset);
  table.Answers(
      "HalfClosesOnRequest", [](uint32_t) { return std::string(); },
      After::kHalfClose);
  table.Answers("HalfClosesAfterAnswer", Good, After::kHalfClose);
  table.Answers(
      "ClosesInTheMiddle",
      [](uint32_t stream) {
        return absl::StrCat(Headers(stream, Ok()),
                            Data(stream, GrpcMessage("")));
      },
      After::kClose);
  table.Answers("ClosesAfterAnswer", Good, After::kClose);
}

void AddConnections(Table& table) {
  table.GreetsAndEnds("ClosedAtOnce", "");
  table.GreetsAndEnds("ResetAtOnce", "", After::kReset);
  table.GreetsAndEnds("ClosedAfterSettings", Settings());
  table.GreetsAndEnds("GoAwayAtOnce", Settings() + GoAway(0, 0));
  table.GreetsAndEnds("GoAwayWithError", Settings() + GoAway(0, 0xb, "no"));
  table.Greets("GoAwayAndOpen", Settings() + GoAway(0x7fffffff, 0));
  table.Greets("NoSettings", "");
  table.Greets("GarbageBytes", std::string(100, '\xa5'));
  table.Greets("HttpOneAnswer",
               "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
  table.Greets("TlsAlert", std::string("\x15\x03\x01\x00\x02\x02\x46", 7));
  table.Greets("HeadersBeforeSettings", Headers(1, Ok()));
  table.Greets("NoStreams", Settings({{kMaxConcurrentStreams, 0}}));
  table.Greets("OneStream", Settings({{kMaxConcurrentStreams, 1}}));
  table.Greets("NoWindow", Settings({{kInitialWindowSize, 0}}));
  table.Greets("WindowTooLarge", Settings({{kInitialWindowSize, 0x80000000}}));
  table.Greets("FrameSizeTooSmall", Settings({{kMaxFrameSize, 1}}));
  table.Greets("FrameSizeTooLarge", Settings({{kMaxFrameSize, 0xffffffff}}));
  table.Greets("NoHeaderTable", Settings({{kHeaderTableSize, 0}}));
  table.Greets("HugeHeaderTable", Settings({{kHeaderTableSize, 0xffffffff}}));
  table.Greets("NoHeaders", Settings({{kMaxHeaderListSize, 0}}));
  table.Greets("PushSettingOdd", Settings({{kEnablePush, 7}}));
  table.Greets("UnknownSettings", Settings({{0, 1}, {0xffff, 1}, {0xfe03, 9}}));
  table.Greets("ManySettings", [] {
    std::string out;
    for (uint32_t i = 0; i < 300; ++i) {
      absl::StrAppend(&out, Settings({{kInitialWindowSize, 1000 + i},
                                      {kHeaderTableSize, i}}));
    }
    return out;
  }());
  table.Greets("SettingsCutOff", FrameOf(http2::kSettings, 0, 0, "12345"));
  table.Greets("SettingsOfAStream",
               Settings() + FrameOf(http2::kSettings, 0, 1, ""));
  table.Greets("AcknowledgesTooMuch",
               Settings() + FrameOf(http2::kSettings, http2::kAck, 0, "") +
                   FrameOf(http2::kSettings, http2::kAck, 0, "") +
                   FrameOf(http2::kSettings, http2::kAck, 0, "123456"));
  table.Greets("WindowOverflow", Settings() + WindowUpdate(0, 0x7fffffff) +
                                     WindowUpdate(0, 0x7fffffff));
  table.Greets("WindowUpdateZero", Settings() + WindowUpdate(0, 0));
  table.Answers("WindowOverflowOfAStream", [](uint32_t stream) {
    return absl::StrCat(WindowUpdate(stream, 0x7fffffff),
                        WindowUpdate(stream, 0x7fffffff),
                        WindowUpdate(stream, 0), Good(stream));
  });
  table.Greets("PingFlood", [] {
    std::string out = Settings();
    for (uint64_t i = 0; i < 500; ++i) absl::StrAppend(&out, Ping(i));
    return out;
  }());
  table.Greets("PingAnswersNobodyAskedFor",
               Settings() + Ping(1, http2::kAck) + Ping(2, http2::kAck));
  table.Greets("PingTooShort",
               Settings() + FrameOf(http2::kPing, 0, 0, "short"));
}

}  // namespace

std::vector<Hostility> AllHostilities() {
  Table table;
  AddStatuses(table);
  AddHttp(table);
  AddHeaderBlocks(table);
  AddData(table);
  AddStreams(table);
  AddConnections(table);
  return table.Take();
}

Hostility NoStatusHostility() {
  Table table;
  table.Trailers("NoStatus", Ok());
  return table.Take()[0];
}

Hostility GoAwayAtOnceHostility() {
  Table table;
  table.GreetsAndEnds("GoAwayAtOnce", Settings() + GoAway(0, 0));
  return table.Take()[0];
}

}  // namespace multi_backend
