#include "orggate/limit/denied_list.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

namespace orggate::limit {

namespace {

// Whose row: views into the row itself, or into the question.
struct Name {
    std::string_view subject, limit;
    bool operator==(const Name&) const = default;
};

struct NameHash {
    std::size_t operator()(const Name& name) const
    {
        const std::hash<std::string_view> hash;
        return hash(name.subject) + 3 * hash(name.limit);
    }
};

}  // namespace

struct DeniedList::Rows {
    explicit Rows(std::size_t most) : capacity(std::max<std::size_t>(most, 1)) {}

    using Row = std::list<Denied>::iterator;
    static Name name_of(const Denied& row) { return {row.subject, row.limit}; }
    Row find_or_add(const Name& name);

    const std::size_t capacity;
    std::mutex mutex;
    std::list<Denied> latest_first;
    std::unordered_map<Name, Row, NameHash> by_name;
};

DeniedList::Rows::Row DeniedList::Rows::find_or_add(const Name& name)
{
    if (const auto found = by_name.find(name); found != by_name.end()) {
        latest_first.splice(latest_first.begin(), latest_first, found->second);
        return found->second;
    }
    if (latest_first.size() >= capacity) {
        by_name.erase(name_of(latest_first.back()));
        latest_first.pop_back();
    }
    Denied row;
    row.subject = name.subject;
    row.limit = name.limit;
    latest_first.push_front(std::move(row));
    by_name.emplace(name_of(latest_first.front()), latest_first.begin());
    return latest_first.begin();
}

DeniedList::DeniedList(std::size_t capacity) : rows_(std::make_unique<Rows>(capacity)) {}
DeniedList::~DeniedList() = default;

void DeniedList::note(const Check& check, Instant now)
{
    const std::lock_guard lock(rows_->mutex);
    const auto row = rows_->find_or_add({check.subject, check.quota->name});
    ++row->times;
    row->last = std::max(row->last, now.wall);
}

std::vector<Denied> DeniedList::lately(Seconds span, Instant now) const
{
    std::vector<Denied> found;
    {
        const std::lock_guard lock(rows_->mutex);
        for (const Denied& row : rows_->latest_first)
            if (row.last > now.wall - span) found.push_back(row);
    }
    // Workers read their clocks before they meet here: not quite in order.
    std::stable_sort(found.begin(), found.end(),
        [](const Denied& a, const Denied& b) { return a.last > b.last; });
    return found;
}

void DeniedList::forget(std::string_view subject)
{
    const std::lock_guard lock(rows_->mutex);
    auto& rows = rows_->latest_first;
    for (auto at = rows.begin(); at != rows.end();) {
        if (at->subject != subject) {
            ++at;
            continue;
        }
        rows_->by_name.erase(Rows::name_of(*at));
        at = rows.erase(at);
    }
}

}  // namespace orggate::limit
