package letter

import (
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"mailsyncd.example/sync/letter/field"
)

// maxFilename is what file systems allow for a name, in bytes.
const maxFilename = 255

// sanitize makes a name that a sender chose fit to be one here: no folders, no
// control characters, nothing that turns the direction of reading around and
// so hides an extension. It is "" where nothing is left.
func sanitize(name string) string {
	name = field.Tidy(strings.ToValidUTF8(name, "_"))
	if at := strings.LastIndexAny(name, `/\`); at >= 0 {
		name = name[at+1:]
	}
	name = strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) && r != 0x200D { // the joiner is part of many emoji
			return -1
		}
		return r
	}, name)
	name = strings.Trim(name, " \u3000")
	if strings.Trim(name, ". ") == "" {
		return ""
	}
	if len(name) <= maxFilename {
		return name
	}
	ext := path.Ext(name)
	if len(ext) > 20 {
		ext = ""
	}
	name = name[:maxFilename-len(ext)]
	for !utf8.ValidString(name) {
		name = name[:len(name)-1]
	}
	return name + ext
}

// madeUpName names an attachment that has no name.
func madeUpName(p *part) string {
	switch p.media {
	case "message/rfc822", "message/global":
		return "message.eml"
	case "text/calendar":
		return "invite.ics"
	case "application/ms-tnef", "application/vnd.ms-tnef":
		return "winmail.dat"
	case "application/pkcs7-signature", "application/x-pkcs7-signature":
		return "smime.p7s"
	case "application/pkcs7-mime", "application/x-pkcs7-mime":
		return "smime.p7m"
	case "application/pgp-signature":
		return "signature.asc"
	case "message/delivery-status", "message/disposition-notification":
		return strings.TrimPrefix(p.media, "message/") + ".txt"
	case "text/rfc822-headers":
		return "headers.txt"
	}
	return "attachment-" + strings.ReplaceAll(p.id, ".", "-") + extension(p.media)
}

// extension is the usual one for a media type. The tables of the machine are
// not asked: the same message must give the same letter everywhere.
func extension(media string) string {
	switch media {
	case "image/jpeg", "image/jpg", "image/pjpeg":
		return ".jpg"
	case "image/png", "image/gif", "image/bmp", "image/webp", "image/tiff", "image/heic", "application/pdf",
		"application/zip", "application/rtf", "application/json", "application/xml", "text/xml", "text/html", "text/csv",
		"video/mp4", "video/mpeg", "audio/wav", "audio/ogg":
		return "." + media[strings.IndexByte(media, '/')+1:]
	case "image/svg+xml":
		return ".svg"
	case "text/vcard", "text/x-vcard", "text/directory":
		return ".vcf"
	case "application/msword":
		return ".doc"
	case "application/vnd.ms-excel":
		return ".xls"
	case "application/vnd.ms-powerpoint":
		return ".ppt"
	case "application/vnd.openxmlformats-officedocument.wordprocessingml.document":
		return ".docx"
	case "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet":
		return ".xlsx"
	case "application/vnd.openxmlformats-officedocument.presentationml.presentation":
		return ".pptx"
	case "application/x-zip-compressed":
		return ".zip"
	case "application/gzip", "application/x-gzip":
		return ".gz"
	case "application/ics":
		return ".ics"
	case "audio/mpeg", "audio/mp3":
		return ".mp3"
	case "video/quicktime":
		return ".mov"
	}
	if strings.HasPrefix(media, "text/") {
		return ".txt"
	}
	return ".bin"
}
