// <form data-submit-at-once> goes on by itself; without scripts its button does it.
document.querySelector("form[data-submit-at-once]")?.requestSubmit();
