// The npm package oidc-provider, set up like BankID. Started by the Python side with one JSON argument.
// POST /control changes what comes next: {"acr": …}, {"forge": …}, {"rotate": true}; it answers how often the
// portal was told of a logout, and what it said otherwise.
import http from 'node:http';
import { generateKeyPair, exportJWK, importJWK, SignJWT, decodeJwt, decodeProtectedHeader } from 'jose';
import Provider from 'oidc-provider';
import { createMemoryAdapter } from 'oidc-provider/lib/adapters/memory_adapter.js';

const given = JSON.parse(process.argv[2]);
const issuer = `http://127.0.0.1:${given.port}`;
const shared = createMemoryAdapter();
let acr = given.acr;
let forge = '';
let count = 0;
let told = 0;
let refused = 0;
let key;
let provider;

async function newKey() {
  count += 1;
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: `key-${count}`, alg: 'ES256', use: 'sig' };
}

// Codes and sessions live in a store that all instances share, so a new instance is the same provider with a new key.
async function publish(newest) {
  key = newest;
  provider = new Provider(issuer, {
    adapter: shared,
    jwks: { keys: [newest] },
    cookies: { keys: ['only for this check'], long: { sameSite: 'none' } },
    enableHttpPostMethods: true,
    clients: [{
      client_id: given.clientId,
      redirect_uris: [given.redirectUri],
      grant_types: ['authorization_code'],
      response_types: ['code'],
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      jwks: { keys: [given.clientKey] },
      post_logout_redirect_uris: [given.afterLogout],
      backchannel_logout_uri: given.backChannel,
      backchannel_logout_session_required: true,
    }],
    pkce: { required: () => true },
    acrValues: ['urn:bankid:bid', 'urn:bankid:bid;LOA=4', 'urn:bankid:bis;LOA=3'],
    scopes: ['openid', 'profile', 'nnin_altsub'],
    claims: {
      openid: ['sub', 'acr', 'amr', 'bankid_altsub'],
      profile: ['name', 'given_name', 'family_name', 'birthdate'],
      nnin_altsub: ['nnin_altsub'],
    },
    conformIdTokenClaims: false,
    features: {
      devInteractions: { enabled: false },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      claimsParameter: { enabled: true },
      rpInitiatedLogout: { enabled: true },
      backchannelLogout: { enabled: true },
    },
    // The portal is on this machine, which the package calls nobody at unless its own dispatcher is left out.
    fetch: (url, { dispatcher: _, ...options }) => globalThis.fetch(url, options),
    interactions: { url: (_context, interaction) => `/sign-in/${interaction.uid}` },
    findAccount: (_context, id) => ({ accountId: id, claims: () => ({ sub: id, ...given.person }) }),
    loadExistingGrant: async (context) => {
      const grant = new context.oidc.provider.Grant({
        accountId: context.oidc.session.accountId,
        clientId: context.oidc.client.clientId,
      });
      grant.addOIDCScope('openid profile nnin_altsub');
      await grant.save();
      return grant;
    },
    ttl: { AuthorizationCode: 60, AccessToken: 60, IdToken: 300, Interaction: 300, Session: 600, Grant: 600 },
  });
  provider.on('backchannel.success', () => { told += 1; });
  provider.on('backchannel.error', (_context, error) => { refused += 1; console.error(error); });
  provider.use(async (context, next) => {
    await next();
    if (forge && context.path === '/token' && context.body?.id_token) {
      context.body.id_token = await forged(context.body.id_token);
    }
  });
}

// What this provider never does by itself: its own token with one thing wrong.
async function forged(token) {
  const claims = decodeJwt(token);
  const header = decodeProtectedHeader(token);
  const hour = 3600;
  const changes = {
    audience: { aud: 'somebody-else' },
    issuer: { iss: 'http://127.0.0.1:1' },
    expired: { iat: claims.iat - 2 * hour, exp: claims.iat - hour },
    nonce: { nonce: 'another' },
    acr: { acr: 'urn:unheard:of' },
  };
  const signer = forge === 'key' ? await newKey() : key;
  return new SignJWT({ ...claims, ...changes[forge] })
    .setProtectedHeader(header)
    .sign(await importJWK(signer, 'ES256'));
}

async function control(request, response) {
  let text = '';
  for await (const part of request) text += part;
  const wanted = JSON.parse(text);
  acr = wanted.acr ?? acr;
  forge = wanted.forge ?? '';
  if (wanted.rotate) await publish(await newKey());
  response.end(JSON.stringify({ told, refused }));
}

async function signIn(request, response) {
  await provider.interactionFinished(request, response, {
    login: { accountId: given.accountId, acr, amr: ['bid'], remember: false },
  });
}

async function cancel(request, response) {
  await provider.interactionFinished(request, response, { error: 'access_denied' });
}

await publish(await newKey());
http.createServer(async (request, response) => {
  try {
    if (request.url === '/control') return await control(request, response);
    if (request.url.startsWith('/sign-in/')) {
      return await (acr === 'cancel' ? cancel : signIn)(request, response);
    }
    return provider.callback()(request, response);
  } catch (error) {
    console.error(error);
    response.statusCode = 500;
    return response.end();
  }
}).listen(given.port, '127.0.0.1');
