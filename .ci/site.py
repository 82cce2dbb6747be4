"""Links that leave docs/ lead to the repository: on the site its files are not there."""

import logging
import posixpath
import re
from pathlib import Path

LINK = re.compile(r"\]\((\.\./[^)\s#]*)(#[^)\s]*)?\)")
log = logging.getLogger("mkdocs.hooks.site")


def on_page_markdown(markdown, page, config, files):
    folder = posixpath.join("docs", posixpath.dirname(page.file.src_uri))

    def repository(link):
        target = posixpath.normpath(posixpath.join(folder, link[1]))
        if target.startswith("docs/"):
            return link[0]
        path = Path(config.config_file_path).parent / target
        if not path.exists():
            log.warning("%s: %s leads nowhere", page.file.src_uri, link[0])
        kind = "tree" if path.is_dir() else "blob"
        return f"]({config.repo_url}/{kind}/main/{target}{link[2] or ''})"

    return LINK.sub(repository, markdown)
