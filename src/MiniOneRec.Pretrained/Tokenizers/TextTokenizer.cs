using System.Text;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;

namespace MiniOneRec.Pretrained;

/// <summary>The byte-level BPE tokenizer of a published model, with added tokens.</summary>
/// <remarks>Immutable and safe for concurrent use. Text that is no valid UTF-16 is read with U+FFFD in place of what is wrong.</remarks>
public sealed class TextTokenizer : ITextTokenizer, ICheckpointFiles
{
    private readonly TokenizerDefinition _definition;
    private readonly BytePairEncoder _encoder;
    private readonly TextToTokens _text;
    private readonly Dictionary<string, AddedToken> _added;
    private readonly Dictionary<int, byte[]> _bytes;
    private readonly byte[] _json;

    internal TextTokenizer(TokenizerDefinition definition, byte[] json, TokenizerSettings settings)
        : this(
            definition,
            json,
            settings,
            new BytePairEncoder(definition),
            definition.Vocabulary.ToDictionary(pair => pair.Value, pair => ByteAlphabet.BytesOf(pair.Key)))
    {
    }

    private TextTokenizer(
        TokenizerDefinition definition, byte[] json, TokenizerSettings settings, BytePairEncoder encoder, Dictionary<int, byte[]> bytes)
    {
        (_definition, _json, Settings, _encoder, _bytes) = (definition, json, settings, encoder, bytes);
        _text = new TextToTokens(definition, encoder);
        _added = definition.AddedTokens.ToDictionary(token => token.Content, StringComparer.Ordinal);
        foreach (var token in definition.AddedTokens)
        {
            _bytes[token.Id] = ByteAlphabet.BytesOf(token.Content);
        }

        VocabularySize = _bytes.Keys.Max() + 1;
        Specials = definition.AddedTokens.Where(token => token.Special).Select(token => token.Id).ToHashSet();
        BeginToken = FindBeginToken();
    }

    /// <inheritdoc/>
    public int VocabularySize { get; }

    /// <summary>Gets the added tokens, in the order of the file and then in the order in which they were added.</summary>
    public IReadOnlyList<AddedToken> AddedTokens => _definition.AddedTokens;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The files name no end token; call <see cref="WithEndToken"/>.</exception>
    public int EndToken => EndTokenText is { } text && TryGetToken(text, out int token)
        ? token
        : throw new InvalidOperationException("The tokenizer's files name no end token; call WithEndToken first.");

    /// <inheritdoc/>
    public int? BeginToken { get; }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The configuration names several templates and none <c>default</c>; call
    /// <see cref="WithChatTemplate"/>.</exception>
    public string? ChatTemplate => Settings.ChatTemplate is null && Settings.NamedTemplates.Count > 0
        ? throw new InvalidDataException(
            $"'{Settings.Source}': key 'chat_template' names {string.Join(", ", Settings.NamedTemplates.Keys.Take(20))}; "
            + "expected one named default, or call WithChatTemplate.")
        : Settings.ChatTemplate;

    /// <summary>Gets the names of the chat templates where the configuration has several; <see cref="WithChatTemplate"/> chooses
    /// one.</summary>
    public IReadOnlyList<string> ChatTemplateNames => [.. Settings.NamedTemplates.Keys];

    /// <summary>Gets the keys of the files that this version does not know and ignores.</summary>
    public IReadOnlyList<string> UnknownKeys =>
    [
        .. _definition.UnknownKeys.Select(key => $"{TokenizerFiles.Tokenizer}: {key}"),
        .. Settings.UnknownKeys.Select(key => $"{TokenizerSettings.ConfigFile}: {key}"),
    ];

    internal TokenizerSettings Settings { get; }

    private HashSet<int> Specials { get; }

    private string? EndTokenText => Settings.EndToken ?? TokenizerSettings.UsualEndTokens.FirstOrDefault(_added.ContainsKey);

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">A <c>tokenizer.json</c>, or a folder that holds one; its configuration files are read too.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no byte-level BPE tokenizer; the message names file and key.</exception>
    public static Task<TextTokenizer> LoadAsync(string path, CancellationToken cancellationToken = default) =>
        LoadAsync(path, null, cancellationToken);

    /// <summary>Reads a tokenizer and logs once which keys of its files are not known.</summary>
    /// <param name="path">A <c>tokenizer.json</c>, or a folder that holds one; its configuration files are read too.</param>
    /// <param name="logger">Receives a warning with the unknown keys, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no byte-level BPE tokenizer; the message names file and key.</exception>
    public static Task<TextTokenizer> LoadAsync(string path, ILogger? logger, CancellationToken cancellationToken = default) =>
        LoadAsync(path, logger, addsMissing: true, cancellationToken);

    /// <summary>Reads a tokenizer.</summary>
    /// <param name="path">A <c>tokenizer.json</c>, or a folder that holds one.</param>
    /// <param name="logger">Receives a warning with the unknown keys, or <see langword="null"/>.</param>
    /// <param name="addsMissing">Whether special tokens that the configuration names and the vocabulary lacks are added; a saved model has
    /// none of their rows.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    internal static async Task<TextTokenizer> LoadAsync(string path, ILogger? logger, bool addsMissing, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        string file = Directory.Exists(path) ? Path.Combine(path, TokenizerFiles.Tokenizer) : path;
        byte[] json = await TokenizerFiles.ReadAsync(file, cancellationToken).ConfigureAwait(false);
        var tokenizer = Parse(json, file, TokenizerSettings.Read(Path.GetDirectoryName(Path.GetFullPath(file))!), addsMissing);
        if (logger is not null && tokenizer.UnknownKeys.Count > 0)
        {
            Log.UnknownTokenizerKeys(logger, path, string.Join(", ", tokenizer.UnknownKeys));
        }

        return tokenizer;
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The tokenizer's own pattern takes forever on this text.</exception>
    public int[] Encode(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _text.Encode(text);
    }

    /// <inheritdoc/>
    public string Decode(IReadOnlyList<int> tokens) => Decode(tokens, skipSpecial: false);

    /// <summary>Gets the text of token ids.</summary>
    /// <param name="tokens">Token ids.</param>
    /// <param name="skipSpecial">Whether special tokens are left out; tokens of semantic IDs are not special.</param>
    /// <exception cref="ArgumentException">An id is outside the vocabulary.</exception>
    public string Decode(IReadOnlyList<int> tokens, bool skipSpecial)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        using var bytes = new MemoryStream(tokens.Count * 4);
        foreach (int token in tokens)
        {
            bytes.Write(BytesOf(token, skipSpecial));
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }

    /// <summary>Makes a decoder for tokens that arrive one by one.</summary>
    /// <param name="skipSpecial">Whether special tokens are left out.</param>
    public StreamingDecoder CreateStreamingDecoder(bool skipSpecial = false) => new(this, skipSpecial);

    /// <inheritdoc/>
    public bool TryGetToken(string text, out int token)
    {
        ArgumentNullException.ThrowIfNull(text);
        bool added = _added.TryGetValue(text, out var entry);
        token = entry?.Id ?? 0;
        return added || _definition.Vocabulary.TryGetValue(text, out token);
    }

    /// <summary>Adds tokens; ones that exist already keep their ids.</summary>
    /// <param name="contents">The tokens' texts; ids follow in this order, from <see cref="VocabularySize"/> on.</param>
    /// <param name="special">Whether the tokens steer the model rather than being text.</param>
    /// <returns>A tokenizer with the tokens; this one stays as it is.</returns>
    public TextTokenizer WithAddedTokens(IEnumerable<string> contents, bool special = false)
    {
        ArgumentNullException.ThrowIfNull(contents);

        var tokens = AddedTokens.ToList();
        var known = tokens.Select(token => token.Content).ToHashSet(StringComparer.Ordinal);
        int next = VocabularySize;
        foreach (string content in contents)
        {
            ArgumentException.ThrowIfNullOrEmpty(content, nameof(contents));
            if (known.Add(content))
            {
                int id = _definition.Vocabulary.TryGetValue(content, out int old) ? old : next++;
                tokens.Add(new AddedToken(id, content) { Special = special, Normalized = !special });
            }
        }

        return new TextTokenizer(_definition with { AddedTokens = tokens }, _json, Settings, _encoder, new Dictionary<int, byte[]>(_bytes));
    }

    /// <summary>Chooses the token that ends a response.</summary>
    /// <param name="text">The token's text.</param>
    /// <exception cref="ArgumentException">The tokenizer has no such token.</exception>
    public TextTokenizer WithEndToken(string text) => TryGetToken(text, out _)
        ? new TextTokenizer(_definition, _json, Settings with { EndToken = text }, _encoder, _bytes)
        : throw new ArgumentException($"The tokenizer has no token '{text}'.", nameof(text));

    /// <summary>Chooses one of the named chat templates.</summary>
    /// <param name="name">The template's name, one of <see cref="ChatTemplateNames"/>.</param>
    /// <exception cref="ArgumentException">The configuration has no such template.</exception>
    public TextTokenizer WithChatTemplate(string name)
    {
        ArgumentNullException.ThrowIfNull(name);
        return Settings.NamedTemplates.TryGetValue(name, out string? template)
            ? new TextTokenizer(_definition, _json, Settings with { ChatTemplate = template }, _encoder, _bytes)
            : throw new ArgumentException($"The tokenizer has no chat template '{name}'.", nameof(name));
    }

    /// <summary>Writes <c>tokenizer.json</c> and <c>tokenizer_config.json</c> with all added tokens.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the writing and leaves earlier files.</param>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return TokenizerFiles.WriteAsync(folder, _json, AddedTokens, Settings with { EndToken = EndTokenText }, cancellationToken);
    }

    internal static TextTokenizer Parse(byte[] json, string source, TokenizerSettings settings, bool addsMissing = true) =>
        new(settings.Apply(TokenizerJson.Parse(json, source), addsMissing), json, settings);

    internal byte[] BytesOf(int token, bool skipSpecial) =>
        (uint)token >= (uint)VocabularySize ? throw new ArgumentException($"Token {token} is outside the vocabulary of {VocabularySize}.")
        : (skipSpecial && Specials.Contains(token)) || !_bytes.TryGetValue(token, out byte[]? bytes) ? []
        : bytes;

    // The configuration decides first, then the class of the tokenizer, then the post-processor.
    private int? FindBeginToken()
    {
        int? named = Settings.BeginToken is { } text && TryGetToken(text, out int token) ? token : null;
        return Settings.AddsBeginToken switch
        {
            false => null,
            true => named ?? throw new InvalidDataException(
                $"'{Settings.Source}': key 'add_bos_token' is true and 'bos_token' is "
                + $"{(Settings.BeginToken is null ? "missing" : $"'{Settings.BeginToken}'")}; expected a token of the tokenizer."),
            _ => (Settings.ClassAddsBeginToken ? named : null) ?? _definition.BeginToken,
        };
    }
}
