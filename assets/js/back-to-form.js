// Going back to a page that answered a form opens the form's page again, where browsers would ask whether to send once more.
// Only on the way out: loading the page anew still sends what was sent, so that nothing typed is lost.
window.addEventListener("pagehide", () => history.replaceState(history.state, ""));
