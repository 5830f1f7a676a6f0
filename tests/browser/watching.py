"""A browser page that remembers what its browser complained of."""

from dataclasses import dataclass, field

from playwright.sync_api import BrowserContext, ConsoleMessage, Page, WebError

_NOTE_VIOLATIONS = """
window.noted = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.noted.push(`${event.violatedDirective} refused ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""
_LOUD = ("error", "warning")


@dataclass
class Watched:
    """A context with one page; `heard` is what the console said, but for the status of the page itself."""

    context: BrowserContext
    heard: list[str] = field(default_factory=list)
    page: Page = field(init=False)

    def __post_init__(self) -> None:
        self.context.add_init_script(_NOTE_VIOLATIONS)
        self.context.on("console", self._hear)
        self.context.on("weberror", self._hear_error)
        self.page = self.context.new_page()

    def complaints(self) -> list[str]:
        """What the console said and the security policy refused since this was asked last."""
        refused: list[str] = self.page.evaluate("(window.noted || []).splice(0)")
        said, self.heard[:] = [*self.heard], []
        return [*said, *refused]

    def forget(self) -> None:
        """Let go of what has been noted so far."""
        self.complaints()

    def _hear(self, message: ConsoleMessage) -> None:
        is_own_status = message.location["url"] == self.page.url and "the server responded with" in message.text
        if message.type in _LOUD and not is_own_status:
            self.heard.append(f"console {message.type}: {message.text}")

    def _hear_error(self, error: WebError) -> None:
        self.heard.append(f"uncaught: {error.error}")
