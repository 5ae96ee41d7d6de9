// Asks for a passkey where a form says so, and sends what it answers with the form. Without it, or without passkeys,
// the form is sent as it is, and the page that follows says what to do.

const text = (bytes) => btoa(String.fromCharCode(...new Uint8Array(bytes)))
  .replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
const bytes = (text) => Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
const named = (list) => (list ?? []).map((one) => ({ ...one, id: bytes(one.id) }));

// What browsers that read and write WebAuthn's JSON do by themselves (Web Authentication Level 3, 5.1.8 to 5.1.10).
const creation = (json) => PublicKeyCredential.parseCreationOptionsFromJSON?.(json) ?? {
  ...json,
  challenge: bytes(json.challenge),
  user: { ...json.user, id: bytes(json.user.id) },
  excludeCredentials: named(json.excludeCredentials),
};
const request = (json) => PublicKeyCredential.parseRequestOptionsFromJSON?.(json) ?? {
  ...json,
  challenge: bytes(json.challenge),
  allowCredentials: named(json.allowCredentials),
};
const written = (credential) => {
  if (credential.toJSON) return credential.toJSON();
  const answer = credential.response;
  const response = { clientDataJSON: text(answer.clientDataJSON) };
  for (const part of ['attestationObject', 'authenticatorData', 'signature', 'userHandle']) {
    if (answer[part]) response[part] = text(answer[part]);
  }
  if (answer.getTransports) response.transports = answer.getTransports();
  const { id, type } = credential;
  return { id, rawId: id, type, response, clientExtensionResults: credential.getClientExtensionResults() };
};

const ask = async ({ create, get }) => (create
  ? navigator.credentials.create({ publicKey: creation(create) })
  : navigator.credentials.get({ publicKey: request(get) }));

const say = (form, words) => {
  const place = form.querySelector('[data-trouble]');
  place.textContent = words;
  place.hidden = !words;
};

// Why there is nothing to ask for now: what the page says that was answered instead.
const refusal = async (answer) => {
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  return [...page.querySelectorAll('main .lead, main .lead + p:not(.actions)')].map((p) => p.textContent).join(' ');
};

const run = async (form, button) => {
  say(form, '');
  // What was wrong the last time is not what is wrong now.
  document.querySelector('.summary')?.remove();
  form.setAttribute('aria-busy', 'true');
  button.disabled = true;
  try {
    const body = new URLSearchParams(new FormData(form));
    body.set(button.name, button.value);
    const begun = await fetch(form.dataset.begin, { method: 'POST', body, headers: { accept: 'application/json' } });
    if (begun.status === 429) {
      // The page behind the form would come back as it is.
      say(form, await refusal(begun) || form.dataset.failed);
      button.disabled = false;
      button.focus();
      return;
    }
    if (begun.ok) {
      const asked = await begun.json();
      const credential = await ask(asked);
      form.elements.session.value = asked.session;
      form.elements.credential.value = JSON.stringify(written(credential));
    }
    // What else was refused is said by the page that the form leads to.
    button.disabled = false;
    form.dataset.asked = 'yes';
    form.requestSubmit(button);
  } catch (error) {
    const stopped = ['NotAllowedError', 'AbortError'].includes(error.name);
    say(form, stopped ? form.dataset.stopped : form.dataset.failed);
    button.disabled = false;
    button.focus();
  } finally {
    form.removeAttribute('aria-busy');
  }
};

for (const form of document.querySelectorAll('form[data-begin]')) {
  form.addEventListener('submit', (event) => {
    const button = event.submitter;
    if (!button?.hasAttribute('data-passkey') || form.dataset.asked) return;
    event.preventDefault();
    if (window.PublicKeyCredential) run(form, button);
    else say(form, form.dataset.unsupported);
  });
}

// Whoever comes back to the page begins again.
addEventListener('pageshow', () => {
  for (const form of document.querySelectorAll('form[data-begin]')) {
    delete form.dataset.asked;
    form.elements.session.value = '';
    form.elements.credential.value = '';
  }
});
