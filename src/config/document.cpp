#include "config/document.hpp"

#include "config/text.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <map>
#include <optional>
#include <sstream>
#include <utility>

namespace orggate::config {

namespace {

Place place_of(const YAML::Mark& mark)
{
    return {mark.line + 1, mark.column + 1};
}

// Builds our tree from the parser's events. yaml-cpp's own tree forgets repeated keys.
class Builder final : public YAML::EventHandler {
public:
    explicit Builder(std::vector<Problem>& problems) : problems_(problems) {}
    NodePtr root() const { return root_; }

    void OnDocumentStart(const YAML::Mark&) override {}
    void OnDocumentEnd() override {}

    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        auto node = make(Node::Kind::null, mark);
        // An empty value has no place of its own; its key has.
        if (!open_.empty() && open_.back().key) node->place = open_.back().key->place;
        place(node, anchor);
    }

    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override
    {
        const auto found = anchors_.find(anchor);
        if (found == anchors_.end()) {
            add_problem(mark, "an alias cannot stand inside the value it names");
            return OnNull(mark, 0);
        }
        add(found->second);
    }

    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
        const std::string& value) override
    {
        check_tag(mark, tag);
        auto node = make(Node::Kind::scalar, mark);
        node->text = value;
        place(node, anchor);
    }

    void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
        YAML::EmitterStyle::value) override
    {
        check_tag(mark, tag);
        open_.push_back({make(Node::Kind::list, mark), anchor, {}});
    }
    void OnSequenceEnd() override { close(); }

    void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
        YAML::EmitterStyle::value) override
    {
        check_tag(mark, tag);
        open_.push_back({make(Node::Kind::map, mark), anchor, {}});
    }
    void OnMapEnd() override { close(); }

private:
    struct Key {
        std::string text;
        Place place;
        bool is_good = true;  // else its value is read and dropped
    };
    struct Open {
        std::shared_ptr<Node> node;
        YAML::anchor_t anchor = 0;
        std::optional<Key> key;  // of a map: read, and its value is not
    };

    static std::shared_ptr<Node> make(Node::Kind kind, const YAML::Mark& mark)
    {
        auto node = std::make_shared<Node>();
        node->kind = kind;
        node->place = place_of(mark);
        return node;
    }

    void add_problem(const YAML::Mark& mark, std::string message)
    {
        problems_.push_back(make_problem(place_of(mark), std::move(message)));
    }

    void check_tag(const YAML::Mark& mark, const std::string& tag)
    {
        // "?" and "!" are what plain and quoted values carry without being told.
        if (!tag.empty() && tag != "?" && tag != "!")
            add_problem(mark, "YAML tags are not supported");
    }

    // An anchor is known once its value is complete.
    void place(NodePtr node, YAML::anchor_t anchor)
    {
        if (anchor != 0) anchors_[anchor] = node;
        add(std::move(node));
    }

    void close()
    {
        auto done = std::move(open_.back());
        open_.pop_back();
        place(std::move(done.node), done.anchor);
    }

    void add(NodePtr node)
    {
        if (open_.empty()) {
            root_ = std::move(node);
            return;
        }
        auto& parent = open_.back();
        if (parent.node->kind == Node::Kind::list)
            parent.node->items.push_back(std::move(node));
        else if (!parent.key)
            parent.key = read_key(*parent.node, *node);
        else
            add_entry(parent, std::move(node));
    }

    void add_entry(Open& parent, NodePtr value)
    {
        auto key = std::move(*parent.key);
        parent.key.reset();
        if (key.is_good)
            parent.node->entries.push_back({std::move(key.text), key.place, std::move(value)});
    }

    Key read_key(const Node& map, const Node& key)
    {
        Key read{key.text, key.place};
        const auto refuse = [&](std::string message) {
            problems_.push_back(make_problem(key.place, std::move(message)));
            read.is_good = false;
        };
        if (key.kind != Node::Kind::scalar) {
            refuse("expected a key that is plain text");
        } else if (key.text == "<<") {
            refuse("merge keys (<<) are not supported");
        } else {
            const auto first = std::find_if(map.entries.begin(), map.entries.end(),
                [&](const Entry& entry) { return entry.key == key.text; });
            if (first != map.entries.end())
                refuse("repeated key " + shown(key.text) + ", first given in line " +
                       std::to_string(first->place.line));
        }
        return read;
    }

    std::vector<Problem>& problems_;
    NodePtr root_;
    std::vector<Open> open_;
    std::map<YAML::anchor_t, NodePtr> anchors_;
};

// The place of the byte at `offset`.
Place place_at(std::string_view text, std::size_t offset)
{
    const auto before = text.substr(0, offset);
    const auto line_start = before.rfind('\n') + 1;  // npos + 1 is 0
    return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
        static_cast<int>(offset - line_start) + 1};
}

void read_events(std::string_view text, Document& document)
{
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder(document.problems);
    if (!parser.HandleNextDocument(builder) || !builder.root()) return;
    document.root = builder.root();
    std::vector<Problem> ignored;
    Builder second(ignored);
    if (parser.HandleNextDocument(second))
        document.problems.push_back(make_problem(second.root() ? second.root()->place : Place{},
            "expected one YAML document, found more"));
}

}  // namespace

Problem make_problem(Place place, std::string message, bool is_warning)
{
    return {{}, place.line, place.column, std::move(message), is_warning};
}

Document parse_document(std::string_view text)
{
    Document document;
    if (text.size() > max_file_size) {
        document.problems.push_back(make_problem({}, "the file is larger than 1 MiB"));
        return document;
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    if (const auto bad = find_not_text(text)) {
        document.problems.push_back(
            make_problem(place_at(text, *bad), "expected text in UTF-8, found another byte"));
        return document;
    }
    try {
        read_events(text, document);
    } catch (const YAML::Exception& error) {
        document.root = nullptr;
        document.problems.push_back(make_problem(place_of(error.mark), "not YAML: " + error.msg));
    } catch (const std::exception& error) {
        document.root = nullptr;
        document.problems.push_back(make_problem({}, std::string("not YAML: ") + error.what()));
    }
    if (!document.root && document.problems.empty())
        document.problems.push_back(make_problem({}, "the file is empty"));
    return document;
}

}  // namespace orggate::config
