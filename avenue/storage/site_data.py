"""What a site's data is stored in: the collections with a field `site`, and the buckets."""

SITE_COLLECTIONS = frozenset(
    {
        "adopted",
        "assets",
        "renditions",
        "shop_products",
        "shop_products_trashed",
        "shop_products_grouped",
        "page_content",
        "page_history",
        "writes",
        "findings",
        "inspections",
        "audit_logs",
        "legacy_urls",
        "move_reports",
        "link_keys",
        "shop_imports",
        "shop_import_rows",
        "shop_samples",
        "shop_picture_imports",
        "shop_picture_import_files",
        "tus_uploads",
        "upload_tickets",
        "media_folders",
        "quotas",
        "site_counts",
        "site_profiles",
        "notifications",
    }
)
BUCKETS = ("product_images", "builder_media", "uploads")
RENDITIONS = "renditions"
