// Writes metric families in the Prometheus text format, version 0.0.4.
// Pure. Source: prometheus.io, "Exposition formats".

#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace orggate::observe {

enum class MetricType { counter, gauge, histogram };

using Labels = std::initializer_list<std::pair<std::string_view, std::string_view>>;

class Exposition {
public:
    // Opens a family: HELP and TYPE, once, with our prefix before the name.
    void family(std::string_view name, MetricType type, std::string_view help);
    void family(std::string_view name, std::string_view type, std::string_view help);

    // One sample of the open family. `suffix` is appended to its name.
    void sample(std::uint64_t value, Labels labels = {}, std::string_view suffix = {});
    void sample(double value, Labels labels = {}, std::string_view suffix = {});
    void sample_with(std::string_view written_labels, double value);

    std::string take() { return std::move(text_); }

private:
    void start(Labels labels, std::string_view suffix);
    void finish(double value);

    std::string text_;
    std::string name_;
};

// The shortest decimal form.
void append_number(std::string& out, double value);

}  // namespace orggate::observe
