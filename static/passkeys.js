// Passkeys: a form with `data-passkey` asks the browser for a credential before it is sent. What the browser is asked
// stands in `data-options`, or is fetched from `data-asks`. Bytes travel as base64url.
(() => {
  "use strict";

  const toBytes = (text) => {
    const padded = text.replace(/-/g, "+").replace(/_/g, "/").padEnd(Math.ceil(text.length / 4) * 4, "=");
    return Uint8Array.from(atob(padded), (letter) => letter.charCodeAt(0));
  };

  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const withBytes = ({ publicKey }) => {
    const options = { ...publicKey, challenge: toBytes(publicKey.challenge) };
    for (const name of ["excludeCredentials", "allowCredentials"]) {
      if (options[name]) options[name] = options[name].map((known) => ({ ...known, id: toBytes(known.id) }));
    }
    if (options.user) options.user = { ...options.user, id: toBytes(options.user.id) };
    return options;
  };

  const withText = (credential) => {
    const { response } = credential;
    const sent = {};
    for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
      if (response[name]) sent[name] = toText(response[name]);
    }
    if (response.getTransports) sent.transports = response.getTransports();
    return {
      type: credential.type,
      id: credential.id,
      rawId: toText(credential.rawId),
      authenticatorAttachment: credential.authenticatorAttachment,
      response: sent,
      clientExtensionResults: credential.getClientExtensionResults(),
    };
  };

  const optionsOf = async (form) => {
    if (form.dataset.options) return JSON.parse(form.dataset.options);
    const answer = await fetch(form.dataset.asks, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(`Passkeys are not answered: ${answer.status}`);
    return (await answer.json()).request_options;
  };

  const credentialFor = async (form) => {
    const publicKey = withBytes(await optionsOf(form));
    if (form.dataset.passkey === "get") return navigator.credentials.get({ publicKey });
    const signsInAlone = form.elements.passwordless.checked;
    publicKey.authenticatorSelection = {
      ...publicKey.authenticatorSelection,
      residentKey: signsInAlone ? "required" : "discouraged",
      requireResidentKey: signsInAlone,
      userVerification: signsInAlone ? "required" : "preferred",
    };
    return navigator.credentials.create({ publicKey });
  };

  for (const form of document.querySelectorAll("form[data-passkey]")) {
    const failed = form.querySelector("[data-failed]");
    const isDomain = !/^[\d.]+$|^\[/.test(window.location.hostname);
    if (!window.PublicKeyCredential || !isDomain) {
      form.querySelector("[data-unsupported]").hidden = false;
      form.querySelector("button[type=submit]").disabled = true;
      continue;
    }
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      failed.hidden = true;
      try {
        form.elements.credential.value = JSON.stringify(withText(await credentialFor(form)));
      } catch {
        failed.hidden = false;
        return;
      }
      form.submit();
    });
  }
})();
