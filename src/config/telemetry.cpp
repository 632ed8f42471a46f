// What is said about the traffic.

#include "config/sections.hpp"

namespace orggate::config {

namespace {

void read_log(Reader& reader, const Value& at, Log& log)
{
    const Map map(reader, at, "log");
    using observe::Format;
    using observe::Level;
    set(log.options.level,
        reader.choice<Level>(map["level"], {{"debug", Level::debug}, {"info", Level::info},
                                               {"warn", Level::warn}, {"error", Level::error}}));
    set(log.options.format,
        reader.choice<Format>(map["format"], {{"json", Format::json}, {"text", Format::text}}));
    set(log.full_path, reader.choice<bool>(map["path"], {{"full", true}, {"route", false}}));
    const auto access = reader.text(map["access"], "stdout, off, or the path of a file");
    if (!access || *access == "stdout") return;
    log.access = *access != "off";
    if (!log.access) return;
    if (!access->starts_with('/'))
        reader.expected(map["access"], "stdout, off, or the path of a file from /");
    log.options.access_file = *access;
}

void read_metrics(Reader& reader, const Value& at, observe::CounterNames& names)
{
    const Map map(reader, at, "metrics");
    using enum observe::CounterNames::OrgLabels;
    set(names.org_labels, reader.choice<observe::CounterNames::OrgLabels>(
                              map["org_labels"], {{"off", off}, {"hashed", hashed}, {"ids", ids}}));
    set(names.org_top, reader.integer(map["top"], {1, 1000}));
}

}  // namespace

void read_telemetry(Reader& reader, const Map& root, Draft& draft)
{
    read_log(reader, root["log"], draft.config.log);
    read_metrics(reader, root["metrics"], draft.config.names);
}

}  // namespace orggate::config
