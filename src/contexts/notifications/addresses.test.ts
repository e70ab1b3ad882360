// Which addresses and URLs webhooks may have.
import { deepEqual, equal } from 'node:assert/strict'
import { describe, test } from 'node:test'
import { isPublicAddress } from './addresses.ts'
import { urlTrouble } from './webhook-url.ts'

const words = (text: string) => text.trim().split(/\s+/)

describe('an address', () => {
  test('of everybody’s internet is public', () => {
    const all = words(`1.1.1.1 8.8.8.8 93.184.215.14 9.255.255.255 11.0.0.0 100.63.255.255
      100.128.0.0 126.255.255.255 128.0.0.0 169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0
      192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
      2606:2800:220:1:248:1893:25c8:1946 2a00:1450:4001:80b::200e 2001:4860:4860::8888
      ::ffff:8.8.8.8 ::ffff:808:808 64:ff9b::8.8.8.8 2002:808:808::1 2001:200::`)
    deepEqual(
      all.filter((address) => !isPublicAddress(address)),
      [],
    )
  })

  test('of this machine, of a network of one’s own, or of nobody is not', () => {
    const all = words(`0.0.0.0 0.255.255.255 10.0.0.0 10.255.255.255 100.64.0.0 100.127.255.255
      127.0.0.1 127.255.255.255 169.254.0.0 169.254.169.254 172.16.0.0 172.31.255.255 192.0.0.1
      192.0.2.1 192.168.0.1 192.168.255.255 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.9
      224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
      :: ::1 0:0:0:0:0:0:0:1 ::7f00:1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:7f00:1
      ::FFFF:192.168.0.1 0:0:0:0:0:ffff:a00:1 64:ff9b::10.0.0.1 64:ff9b:1::8.8.8.8 100::1
      2001::1 2001:db8::1 2001:1ff::1 2002:7f00:1::1 2002:c0a8:1::1 3fff::1 fc00::1 fd12:3456::1
      fe80::1 fe80::1%eth0 febf::1 fec0::1 ff02::1 ffff::1 4000::1`)
    deepEqual(
      all.filter((address) => isPublicAddress(address)),
      [],
    )
  })

  test('that is none is not public', () => {
    const all = words(`localhost 1.2.3 256.1.1.1 1.2.3.4.5 :: 1::2::3 1:2:3:4:5:6:7 2606:::1 12345::
      1:2:3:4:5:6:7:8:9 2606::1.2.3.256 g::1 2130706433 0x7f.1 2606:2800::/32`)
    deepEqual(
      [...all, ''].filter((address) => isPublicAddress(address)),
      [],
    )
  })
})

describe('the URL of a webhook', () => {
  const rules = { allowPrivate: false, allowedHosts: [] }
  const isFine = (url: string, more = {}) => urlTrouble(url, { ...rules, ...more }) === null

  test('may be any public http or https address', () => {
    const all = words(`https://shop.example/hooks http://93.184.215.14:8080/ https://[2606:2800::1]/
      https://shop.example./x https://xn--bcher-kva.example/?a=b`)
    deepEqual(
      all.filter((url) => !isFine(url)),
      [],
    )
  })

  test('may not lead to ourselves, however its host is spelled', () => {
    const all = words(`http://localhost/ http://LOCALHOST./ http://localhost../ http://a.localhost/
      http://127.0.0.1/ http://127.1/ http://2130706433/ http://0x7f000001/ http://0177.0.0.1/ http://017700000001/
      http://0x7f.1/ http://0/ http://[::1]/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/
      http://[0:0:0:0:0:ffff:7f00:1]/ http://169.254.169.254/latest http://192.168.1.1/
      http://10.1/ http://①②⑦.⓪.⓪.①/ http://127.0.0.1./ http://[fe80::1]/ http://[::]/`)
    deepEqual(
      all.filter((url) => isFine(url)),
      [],
    )
    deepEqual(
      all.filter((url) => !isFine(url, { allowPrivate: true })),
      [],
    )
  })

  test('is http or https, and holds no user', () => {
    const all = words(`ftp://shop.example/ file:///etc/passwd javascript:alert(1) shop.example
      //shop.example https:// http://user@shop.example/ http://:secret@shop.example/ data:,x
      gopher://127.0.0.1:70/ http://shop.example:99999/ http://1.2.3.256/`)
    deepEqual(
      all.filter((url) => isFine(url, { allowPrivate: true })),
      [],
    )
  })

  test('is at an allowed host where some are named', () => {
    const more = { allowedHosts: ['hooks.example', '127.0.0.1'] }
    equal(isFine('https://hooks.example:8443/a', more), true)
    equal(isFine('https://HOOKS.example/a', more), true)
    equal(isFine('https://other.example/', more), false)
    equal(isFine('https://hooks.example.evil.example/', more), false)
    // Allowed, and still ourselves.
    equal(isFine('http://127.0.0.1/', more), false)
    equal(isFine('http://127.0.0.1/', { ...more, allowPrivate: true }), true)
  })
})
