using System.Text.Json;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Tests;

/// <summary>Every prompt, response, id and label of the recorded lines, byte for byte.</summary>
[Trait("Category", "Parity")]
public sealed class PromptParityTests
{
    [SkippableTheory]
    [InlineData("T1.jsonl", 120)]
    [InlineData("T2.jsonl", 120)]
    [InlineData("T3.jsonl", 120)]
    [InlineData("T4.jsonl", 168)]
    [InlineData("T5.jsonl", 168)]
    [InlineData("T6.jsonl", 118)]
    [InlineData("T7.jsonl", 118)]
    [InlineData("cutoffs.jsonl", 50)]
    public async Task Training_PromptsResponsesIdsAndLabels_AreEqual(string file, int count)
    {
        int compared = 0;
        foreach (var line in PromptFixture.Lines(file))
        {
            var template = await PromptFixture.TemplateAsync(line.Text("dataset"));
            var (prompt, response) = Of(line);

            string[] pieces = [.. template.Render(prompt), template.Render(response)];
            var sample = TokenSample.Of(template.EncodePrompt(prompt), template.EncodeResponse(response), prompt.Task, "");
            var cut = sample.CutLeft(line.GetProperty("cutoff").GetInt32());

            Assert.Equal(line.GetProperty("pieces").Texts(), pieces);
            Assert.Equal(line.Text("prompt"), string.Concat(pieces[..^1]));
            Assert.Equal(line.Text("response"), pieces[^1]);
            Assert.Equal(line.GetProperty("length").GetInt32(), sample.Tokens.Length);
            Assert.Equal(line.GetProperty("input_ids").Ints(), cut.Tokens);
            Assert.Equal(line.GetProperty("labels").Ints(), cut.Tokens.Zip(cut.Labels, (token, isLabel) => isLabel ? token : -100));
            compared++;
        }

        Assert.Equal(count, compared);
    }

    [SkippableFact]
    public async Task Evaluation_PromptsAndIds_AreEqual()
    {
        int compared = 0;
        foreach (var line in PromptFixture.Lines("E1.jsonl"))
        {
            var training = await PromptFixture.TemplateAsync(line.Text("dataset"));
            var template = new AlpacaTemplate(training.Tokenizer, [256, 256, 256], NextItemWording.Evaluation);

            var prompt = template.NextItem(line.GetProperty("inputs").GetProperty("history_item_sid").Ids());

            Assert.Equal(line.Text("prompt"), string.Concat(template.Render(prompt)));
            Assert.Equal(line.GetProperty("input_ids").Ints(), template.EncodePrompt(prompt));
            compared++;
        }

        Assert.Equal(120, compared);
    }

    [SkippableTheory]
    [InlineData("R1.jsonl", 120)]
    [InlineData("R2.jsonl", 120)]
    [InlineData("R3.jsonl", 168)]
    [InlineData("R4.jsonl", 80)]
    [InlineData("R5.jsonl", 80)]
    public async Task Reinforcement_PromptsResponsesAndIds_AreEqual(string file, int count)
    {
        int compared = 0;
        foreach (var line in PromptFixture.Lines(file))
        {
            var template = await PromptFixture.TemplateAsync(line.Text("dataset"));
            var (prompt, response) = Of(line);
            prompt = ReferencePrompts.WithoutInstruction(prompt);

            int[] ids = template.EncodePrompt(prompt);

            Assert.Equal(line.Text("prompt"), string.Concat(template.Render(prompt)));
            Assert.Equal(line.Text("response"), template.Render(response));
            Assert.Equal(line.GetProperty("length").GetInt32(), ids.Length);
            Assert.Equal(line.GetProperty("input_ids").Ints(), ids[Math.Max(0, ids.Length - line.GetProperty("cutoff").GetInt32())..]);
            Assert.Equal([.. line.GetProperty("response_ids").Ints(), template.Tokenizer.EndToken], template.EncodeResponse(response));
            compared++;
        }

        Assert.Equal(count, compared);
    }

    private static (Prompt Prompt, Response Response) Of(JsonElement line)
    {
        var inputs = line.GetProperty("inputs");
        SemanticId[] History() => inputs.GetProperty("history_item_sid").Ids();
        string[] Titles() => inputs.GetProperty("history_item_title").Texts();
        Response Sid(string key = "item_sid") => SemanticId.TryParse(inputs.Text(key), out var id) ? Response.Of(id)
            : Response.Of(inputs.Text(key));
        return line.Text("task")[..2] switch
        {
            "T1" or "R1" => (ReferencePrompts.NextSid(History()), Sid()),
            "T2" or "R2" or "R4" => inputs.Text("kind") switch
            {
                "sid2title" => (ReferencePrompts.SidToTitle(SemanticId.Parse(inputs.Text("sid"))), Response.Of(inputs.Text("title"))),
                "title2sid" => (ReferencePrompts.TitleToSid(inputs.Text("title")), Sid("sid")),
                _ => (ReferencePrompts.DescriptionToSid(inputs.Text("description")), Sid("sid")),
            },
            "T3" => (ReferencePrompts.NextTitle(History()), Response.Of(inputs.Text("title_of_sid"))),
            "T4" => (ReferencePrompts.TitlesToTitle(Titles(), inputs.Text("category"), line.GetProperty("template").GetInt32()),
            Response.Of($"\"{inputs.Text("item_title")}\"")),
            "T5" => (ReferencePrompts.TitlesToSid(Titles(), inputs.Text("category")), Sid("sid_of_item")),
            "T6" => (ReferencePrompts.PreferenceAndSid(inputs.GetProperty("history_item_sid").Texts()),
            Sid() with { Reasoning = inputs.Text("user_preference") }),
            "T7" => (ReferencePrompts.PreferenceToSid(inputs.GetProperty("history_item_sid").Texts(), inputs.Text("user_preference")),
            Sid()),
            "R3" => (ReferencePrompts.TitleSequenceToSid(Titles()), Sid()),
            "R5" => (ReferencePrompts.NextTitleAnalyzed(History()), Response.Of(inputs.Text("title_of_item"))),
            var other => throw new InvalidOperationException(other),
        };
    }
}
