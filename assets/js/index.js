// Everything here makes a page nicer; nothing here makes it work. See each file for what it does.
import "@digdir/designsystemet-web";
import "./calendar-drag.js";
import "./calendar-keys.js";
import "./dialog-links.js";
import "./double-submit.js";
import "./error-focus.js";
import "./list-keys.js";
import "./matrix.js";
import "./national-id.js";
import "./passkey.js";
import "./print-page.js";
import "./shortcuts.js";
import "./search-key.js";
import "./session-watch.js";
import "./submit-at-once.js";
import "./times-live.js";
import "./unsaved.js";
