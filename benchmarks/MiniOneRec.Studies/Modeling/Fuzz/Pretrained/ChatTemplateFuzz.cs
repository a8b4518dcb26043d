using System.Text;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Studies;

/// <summary>A chat template, which is read and rendered.</summary>
internal static class ChatTemplateFuzz
{
    private const string ChatText = """
        {%- if messages[0]['role'] == 'system' %}
            {{- '<|im_start|>system\n' + messages[0].content | trim + '<|im_end|>\n' }}
        {%- endif %}
        {%- set ns = namespace(last=messages|length - 1) %}
        {%- for message in messages %}
            {%- if (message.role == "user") or (message.role == "assistant" and not message.tool_calls) %}
                {{- '<|im_start|>' + message.role + '\n' + message['content'] + '<|im_end|>' + '\n' }}
            {%- elif loop.index0 == ns.last %}
                {{- loop.index }}
            {%- endif %}
        {%- endfor %}
        {%- if add_generation_prompt %}
            {{- '<|im_start|>assistant\n' }}
        {%- endif %}
        """;

    /// <summary>Makes the target.</summary>
    public static FuzzTarget Target() =>
        new("chat template", "chat_template.jinja", Encoding.UTF8.GetBytes(ChatText), folder =>
        {
            var tokenizer = TextTokenizer.LoadAsync(Path.Combine(folder, "tokenizer.json")).GetAwaiter().GetResult();
            var template = new ChatTemplate(tokenizer, [2]);
            template.Render(new Prompt("fuzz") { Instruction = "Recommend.", Input = "<a_0> and <a_1>" });
        })
        {
            Structure = FuzzStructure.Template,
            Beside = folder =>
            {
                File.WriteAllBytes(Path.Combine(folder, "tokenizer.json"), FuzzTargets.Bytes(PretrainedFuzzTargets.SmallTokenizer()));
                File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{"eos_token": "<|end|>"}""");
            },
        };
}
