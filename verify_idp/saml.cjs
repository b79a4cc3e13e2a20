// The npm package samlp under express, set up like the Danish citizen access. Started with one JSON argument.
// POST /control changes what comes next (see `next` below); GET /metadata is what an operator loads.
const express = require('express');
const samlp = require('samlp');
const SessionParticipants = require('samlp/lib/sessionParticipants');

const given = JSON.parse(process.argv[2]);
const here = `http://127.0.0.1:${given.port}`;
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const REDIRECT = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
const LOA = 'https://data.gov.dk/concept/core/nsis/loa';
const usual = { signer: 0, published: [0], audience: '', issuer: '', lifetime: 300, loa: 'Substantial', fail: false };
let next = { ...usual };
let participants = new SessionParticipants();

// samlp keeps what it knows of a logout under way in a store; express-session would be too much for one browser.
const kept = new Map();
const store = {
  save(_request, state, done) {
    const name = `logout-${kept.size + 1}`;
    kept.set(name, state);
    done(null, name);
  },
  load(_request, name, options, done) {
    (done ?? options)(null, kept.get(name));
  },
  update(_request, name, state, done) {
    kept.set(name, state);
    done(null);
  },
};

function profile(user) {
  return {
    getClaims: () => ({ ...user.attributes, [LOA]: next.loa }),
    getNameIdentifier: () => ({ nameIdentifier: user.nameId, nameIdentifierFormat: PERSISTENT }),
  };
}
profile.prototype.metadata = [];

const app = express();
app.use(express.urlencoded({ extended: false }));
app.use(express.json());

app.post('/control', (request, response) => {
  next = { ...usual, ...request.body };
  if (request.body.forgetSessions) participants = new SessionParticipants();
  response.json({ sessions: participants.hasElements() });
});

app.get('/metadata', (request, response, failed) => {
  const send = response.send.bind(response);
  const descriptor = (number) => given.keys[number].certificate.replace(/-----[^-]+-----|\s/g, '');
  response.send = (text) => send(text.replace(/<KeyDescriptor[\s\S]*<\/KeyDescriptor>/, (one) => next.published
    .map((number) => one.replace(/(<X509Certificate>)[^<]*/, `$1${descriptor(number)}`)).join('')));
  samlp.metadata({
    issuer: here,
    cert: given.keys[0].certificate,
    profileMapper: profile,
    redirectEndpointPath: '/sso',
    postEndpointPath: '/sso',
    logoutEndpointPaths: { redirect: '/slo' },
  })(request, response, failed);
});

app.get('/sso', (request, response, failed) => {
  const { key, certificate } = given.keys[next.signer];
  if (next.fail) {
    return samlp.parseRequest(request, { signingCert: given.portal.certificate }, (error, asked) => {
      if (error) return failed(error);
      return samlp.sendError({
        issuer: here,
        key,
        cert: certificate,
        destination: given.portal.acs,
        inResponseTo: asked.id,
        RelayState: request.query.RelayState,
        error: { code: 'urn:oasis:names:tc:SAML:2.0:status:Responder', description: 'no' },
        getPostURL: (_request, done) => done(null, given.portal.acs),
      })(request, response, failed);
    });
  }
  const sessionIndex = `_session-${Date.now()}`;
  participants._participants.push({
    serviceProviderId: given.portal.entityId,
    sessionIndex,
    nameId: given.person.nameId,
    nameIdFormat: PERSISTENT,
    serviceProviderLogoutURL: given.portal.slo,
    cert: given.portal.certificate,
    binding: REDIRECT,
  });
  return samlp.auth({
    issuer: next.issuer || here,
    key,
    cert: certificate,
    signingCert: given.portal.certificate,
    encryptionPublicKey: given.portal.publicKey,
    encryptionCert: given.portal.certificate,
    audience: next.audience || given.portal.entityId,
    recipient: given.portal.acs,
    destination: given.portal.acs,
    lifetimeInSeconds: next.lifetime,
    authnContextClassRef: `${LOA}/${next.loa}`,
    sessionIndex,
    profileMapper: profile,
    getUserFromRequest: () => given.person,
    getPostURL: (_audience, _request, _express, done) => done(null, given.portal.acs),
  })(request, response, failed);
});

app.get('/slo', (request, response, failed) => {
  const { key, certificate } = given.keys[next.signer];
  request.body ??= {};
  samlp.logout({
    issuer: here,
    key,
    cert: certificate,
    deflate: true,
    protocolBinding: REDIRECT,
    sessionParticipants: participants,
    store,
  })(request, response, failed);
});

app.use((error, _request, response, _next) => {
  console.error(error);
  response.status(500).send('failed');
});
app.listen(given.port, '127.0.0.1');
