#include "images/records.hpp"

#include "base/error.hpp"

namespace berth::images {
namespace {

using metadata::Row;

constexpr std::string_view columns = "id, created, size, parent, tagged_at";

ImageRecord read_image(const Row& row) {
  ImageRecord image;
  image.id = oci::Digest::parse(row.text(0));
  image.created = Time{std::chrono::nanoseconds{row.integer(1)}};
  image.size = row.integer(2);
  if (const auto parent = row.text(3); !parent.empty()) image.parent = oci::Digest::parse(parent);
  image.tagged_at = row.text(4);
  return image;
}

template <class... Parameters>
std::vector<oci::Digest> read_digests(metadata::Database& database, std::string_view sql,
                                      const Parameters&... parameters) {
  std::vector<oci::Digest> digests;
  database.query(sql, {parameters...}, [&](const Row& row) { digests.push_back(oci::Digest::parse(row.text(0))); });
  return digests;
}

bool any(metadata::Database& database, std::string_view sql, const std::string& value) {
  bool found = false;
  database.query(sql, {value}, [&](const Row&) { found = true; });
  return found;
}

}  // namespace

Records::Records(metadata::Database& database) : database_(database) {
  database_.migrate(
      "images",
      {"CREATE TABLE images (id TEXT PRIMARY KEY, created INTEGER NOT NULL, size INTEGER NOT NULL, parent TEXT NOT "
       "NULL, "
       "tagged_at TEXT NOT NULL, retired INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID",
       "CREATE TABLE image_layers (image_id TEXT NOT NULL REFERENCES images (id) ON DELETE CASCADE, "
       "position INTEGER NOT NULL, diff_id TEXT NOT NULL, chain_id TEXT NOT NULL, PRIMARY KEY (image_id, position)) "
       "STRICT, WITHOUT ROWID",
       "CREATE INDEX image_layers_diff_id ON image_layers (diff_id)",
       "CREATE INDEX image_layers_chain_id ON image_layers (chain_id)",
       "CREATE TABLE image_names (name TEXT PRIMARY KEY, image_id TEXT NOT NULL REFERENCES images (id)) "
       "STRICT, WITHOUT ROWID",
       "CREATE INDEX image_names_image_id ON image_names (image_id)"});
}

std::optional<ImageRecord> Records::find(const oci::Digest& id) {
  std::optional<ImageRecord> image;
  database_.query(fmt::format("SELECT {} FROM images WHERE id = ? AND retired = 0", columns), {id.to_string()},
                  [&](const Row& row) { image = read_image(row); });
  return image;
}

std::vector<ImageRecord> Records::all() {
  std::vector<ImageRecord> images;
  database_.query(fmt::format("SELECT {} FROM images WHERE retired = 0 ORDER BY created DESC, id", columns), {},
                  [&](const Row& row) { images.push_back(read_image(row)); });
  return images;
}

std::vector<oci::Digest> Records::with_prefix(std::string_view hex) {
  const auto low = "sha256:" + std::string{hex};
  const auto high = low + "g";  // after every hexadecimal digit
  return read_digests(database_, "SELECT id FROM images WHERE id >= ? AND id < ? AND retired = 0 LIMIT 2", low, high);
}

std::vector<LayerRecord> Records::layers(const oci::Digest& id) {
  std::vector<LayerRecord> layers;
  database_.query("SELECT diff_id, chain_id FROM image_layers WHERE image_id = ? ORDER BY position", {id.to_string()},
                  [&](const Row& row) {
                    layers.push_back({oci::Digest::parse(row.text(0)), oci::Digest::parse(row.text(1))});
                  });
  return layers;
}

std::vector<oci::Digest> Records::children(const oci::Digest& id) {
  return read_digests(database_, "SELECT id FROM images WHERE parent = ? AND retired = 0", id.to_string());
}

bool Records::add(const ImageRecord& image, const std::vector<LayerRecord>& layers) {
  const auto id = image.id.to_string();
  if (database_.run("UPDATE images SET retired = 0 WHERE id = ? AND retired = 1", {id}) > 0) return true;
  const auto added = database_.run(
      "INSERT INTO images (id, created, size, parent, tagged_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
      {id, image.created.time_since_epoch().count(), image.size, image.parent.to_string(), image.tagged_at});
  if (added == 0) return false;
  int position = 0;
  for (const auto& layer : layers) {
    database_.run("INSERT INTO image_layers VALUES (?, ?, ?, ?)",
                  {id, position++, layer.diff_id.to_string(), layer.chain_id.to_string()});
  }
  return true;
}

void Records::set_parent(const oci::Digest& id, const oci::Digest& parent) {
  database_.run("UPDATE images SET parent = ? WHERE id = ?", {parent.to_string(), id.to_string()});
}

void Records::set_tagged(const oci::Digest& id, const std::string& when) {
  database_.run("UPDATE images SET tagged_at = ? WHERE id = ?", {when, id.to_string()});
}

void Records::remove(const oci::Digest& id) {
  database_.run("DELETE FROM images WHERE id = ?", {id.to_string()});
}

void Records::retire(const oci::Digest& id) {
  database_.run("UPDATE images SET retired = 1, parent = '' WHERE id = ?", {id.to_string()});
}

std::vector<oci::Digest> Records::retired() {
  return read_digests(database_, "SELECT id FROM images WHERE retired = 1");
}

std::optional<oci::Digest> Records::find_name(const oci::Reference& name) {
  const auto ids = read_digests(database_, "SELECT image_id FROM image_names WHERE name = ?", name.to_string());
  return ids.empty() ? std::nullopt : std::optional{ids.front()};
}

std::vector<oci::Reference> Records::names(const oci::Digest& id) {
  std::vector<oci::Reference> names;
  database_.query("SELECT name FROM image_names WHERE image_id = ? ORDER BY name", {id.to_string()},
                  [&](const Row& row) { names.push_back(oci::Reference::parse(row.text(0))); });
  return names;
}

void Records::set_name(const oci::Reference& name, const oci::Digest& id) {
  database_.run("INSERT INTO image_names VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET image_id = excluded.image_id",
                {name.to_string(), id.to_string()});
}

void Records::remove_name(const oci::Reference& name) {
  database_.run("DELETE FROM image_names WHERE name = ?", {name.to_string()});
}

bool Records::uses_layer(const oci::Digest& diff_id) {
  return any(database_, "SELECT 1 FROM image_layers WHERE diff_id = ? LIMIT 1", diff_id.to_string());
}

bool Records::uses_chain(const oci::Digest& chain_id) {
  return any(
      database_,
      "SELECT 1 FROM image_layers JOIN images ON images.id = image_id WHERE chain_id = ? AND retired = 0 LIMIT 1",
      chain_id.to_string());
}

bool Records::uses_blob(const oci::Digest& id) {
  return any(database_, "SELECT 1 FROM images WHERE id = ?", id.to_string());
}

std::vector<oci::Digest> Records::all_layers() {
  return read_digests(database_, "SELECT DISTINCT diff_id FROM image_layers");
}

}  // namespace berth::images
