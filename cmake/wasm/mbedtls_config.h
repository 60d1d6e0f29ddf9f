/* Of mbedTLS, AES-256-GCM alone, with tables made at the first use instead of loaded. */
#define MBEDTLS_AES_C
#define MBEDTLS_AES_FEWER_TABLES
#define MBEDTLS_CIPHER_C
#define MBEDTLS_GCM_C
